"""Checks that cost no request, made right before coins leave. Pure."""

from collections.abc import Mapping

from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.errors import Rejected
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue


def network_name(networks: Mapping[str, str], coin: Asset, venue: Venue) -> str:
    """The configured network of the coin. Raises Rejected if there is none."""
    name = networks.get(coin)
    if name is None:
        raise Rejected(f"no network is configured for {coin}; set {venue}.networks.{coin}", venue=venue, code="network")
    return name


def check_withdrawal(intent: WithdrawalIntent, venue: Venue, network: str, *, tag_required: bool | None) -> None:
    """Raises Rejected, before anything is sent, for what would lose the coins.

    `tag_required` is None where the venue does not tell.
    """
    problem = _problem(intent, venue, network, tag_required=tag_required)
    if problem is not None:
        raise Rejected(f"withdrawal {intent.transfer_id} held back: {problem}", venue=venue, code="held back")


def _problem(intent: WithdrawalIntent, venue: Venue, network: str, *, tag_required: bool | None) -> str | None:
    tag, coin, sent_to = intent.address.tag, intent.coin, intent.address.address.strip()
    checks = (
        (intent.direction.source is venue, f"it leaves {intent.direction.source}, not {venue}"),
        (intent.network == network, f"network {intent.network!r} is not the configured {network!r}"),
        (intent.amount.is_finite() and intent.amount > ZERO, f"amount {intent.amount}"),
        (sent_to != "", "the address is empty"),
        (tag != "" and not (tag_required and tag is None), f"{coin} is lost without a tag, and the address has none"),
        (not (tag_required is False and tag), f"the address has a tag, and {coin} on {network} takes none"),
    )
    return next((problem for passed, problem in checks if not passed), None)

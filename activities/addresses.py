"""Where coins may be sent: only where three parties name the same place, to the letter. Pure.

The allow-list is kimp's configuration; the registration is the sending venue's own list, kept by a person on its web
page; the deposit address is what the receiving venue answers. A stranger who wants the coins has to change all three.
"""

from collections.abc import Sequence

from kimp.contracts.transfers import Address, TransferRequest
from kimp.domain.errors import KeyRefused
from kimp.domain.market import Network
from kimp.domain.reasons import ReasonKind

LONGEST = 100
"""Characters of an address that go into an error: a venue's answer may hold anything."""


def agreed_address(
    request: TransferRequest,
    allowed: Address | None,
    registered: Sequence[Address],
    deposit: Address,
    out: Network,
    into: Network,
) -> Address:
    """The destination's deposit address. Raises KeyRefused that names the odd one out and how to mend it.

    Each venue has its own name of a chain: allow-list and registration bear the source's, `out`; the deposit address
    bears the destination's, `into`.
    """
    source, destination, coin = request.direction.source, request.direction.destination, request.coin
    setting = f"{source}.withdraw_to.{coin}"
    listed = allowed is not None and allowed in registered
    confirmed = allowed is not None and _same_place(allowed, deposit)
    if allowed is not None and listed and confirmed:
        chains = (allowed.network, deposit.network)
        if chains == (out.name, into.name):
            return deposit
        odd, mend = (
            "the network is different",
            f"{out.name!a} leads to {into.name!a}; mend {source} or {destination}.networks",
        )
    elif confirmed:
        odd, mend = f"{source}'s registration is different", f"register the place on {source}'s web page"
    elif listed:
        odd, mend = (
            f"{destination}'s answer is different",
            f"compare it with {destination}'s web page before anything is sent",
        )
    elif any(_same_place(place, deposit) for place in registered):
        odd = f"{setting} is not set" if allowed is None else f"{setting} is different"
        mend = f"{'set' if allowed is None else 'mend'} {setting} if {destination} is right"
    else:
        odd, mend = "all three are different", f"find out which is right, then mend {setting} and the registration"
    raise KeyRefused(
        f"{coin} is not withdrawn: {odd}; allow-list {_shown(allowed)}, registered on {source}"
        f" {', '.join(map(_shown, registered[:3])) or 'none'}, {destination} itself {_shown(deposit)}; {mend}",
        venue=source,
        code="address",
        kind=ReasonKind.ADDRESS,
    )


def _same_place(one: Address, other: Address) -> bool:
    return (one.address, one.tag) == (other.address, other.tag)


def _shown(place: Address | None) -> str:
    """As the setting is written. Letters that only look alike, and such that nobody sees, are spelt out."""
    if place is None:
        return "none"
    text = place.address if place.tag is None else f"{place.address}:{place.tag}"
    return f"{text[:LONGEST]!a} on {place.network[:LONGEST]!a}"

"""Is what a venue shows under a name, or in a list, what kimp asked for? Pure."""

from collections.abc import Iterable, Sequence

from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import TransferState, WithdrawalIntent
from kimp.ports.exchange import ListedWithdrawal, OrderTerms

CLOCKS_DIFFER_MS = 900_000
"""What the clocks of workers, servers and venues may be apart. A name that was used before was used longer ago."""
HEX = "0x"


class AmbiguousMatch(Exception):
    """Nobody but a person can tell which one is kimp's."""


def foreign_order(intent: OrderIntent, found: OrderTerms, asked_ms: int | None) -> str | None:
    """What differs, with both sides, if the order is not the one that was asked for, at `asked_ms` if that is known."""
    asked = OrderTerms(intent.coin, intent.side, intent.quantity, intent.limit_price)
    reported = OrderTerms(
        asked.coin if found.coin is None else found.coin,
        asked.side if found.side is None else found.side,
        asked.quantity if found.quantity is None else found.quantity,
        asked.limit_price if found.limit_price is None else found.limit_price,
    )
    too_old = asked_ms is not None and found.placed_ms is not None and found.placed_ms < asked_ms - CLOCKS_DIFFER_MS
    if reported == asked and not too_old:
        return None
    age = " long before it was asked for" if too_old else ""
    return (
        f"{intent.venue} has another order named {intent.client_order_id}: asked for was {_order(asked)}, found is"
        f" {_order(reported)}{age}. Somebody else placed it; nothing of it is booked, and this one was not accepted as"
        f" far as {intent.venue} reports. Look at the venue's orders; then retry orders anew under another name"
    )


def _order(terms: OrderTerms) -> str:
    return f"{terms.side} {terms.quantity:f} {terms.coin} at {terms.limit_price:f}"


def own_withdrawal(
    intent: WithdrawalIntent, found: Sequence[ListedWithdrawal], asked_ms: int
) -> ListedWithdrawal | None:
    """The transfer's own of those that no other one has; None while none is like it.

    Raises AmbiguousMatch: whoever takes a stranger's withdrawal for kimp's books what never left, or withdraws again
    when that one is cancelled.
    """
    like_it = [one for one in found if one.named or intent.amount in {one.asked, one.report.arrives}]
    if intent.looked_at:  # a person has seen those that came to nothing
        like_it = [one for one in like_it if one.report.state is not TransferState.FAILED] or like_it
    if not like_it:
        return None
    differences = [foreign_withdrawal(intent, one, asked_ms) for one in like_it]
    only = like_it[0]
    uncertain = not only.named and only.report.state is TransferState.FAILED
    if len(like_it) == 1 and differences == [None] and not uncertain:
        return only
    source = intent.direction.source
    differing = "".join(f"; {difference}" for difference in differences if difference)
    raise AmbiguousMatch(
        f"withdrawal {intent.transfer_id} ({intent.amount:f} {intent.coin} on {intent.network} to"
        f" {intent.address.address}) has no answer, and {source} lists what may or may not be it: {_listed(like_it)}"
        f"{differing}. It is not sent again. Look at {source}: retry follows the one that did not fail, if there is"
        " one like it; compensate takes it for never sent"
    )


def foreign_withdrawal(intent: WithdrawalIntent, found: ListedWithdrawal, asked_ms: int) -> str | None:
    """What differs, with both sides, if the withdrawal is certainly not the one that was asked for."""
    address = intent.address.address
    checks = (
        (intent.amount in {found.asked, found.report.arrives}, "amount", f"{intent.amount:f}", f"{found.asked:f}"),
        (found.network in {None, intent.network}, "network", intent.network, found.network),
        (found.address is None or same_hex(found.address, address), "address", address, found.address),
        (
            found.asked_ms is None or found.asked_ms >= asked_ms - CLOCKS_DIFFER_MS,
            "time",
            f"{asked_ms} ms",
            f"{found.asked_ms} ms",
        ),
    )
    differs = [f"{what} {theirs} instead of {ours}" for same, what, ours, theirs in checks if not same]
    return ", ".join(differs) or None


def same_hex(one: str, other: str) -> bool:
    """Equal texts; what is written as a hexadecimal number is the same number in letters of either case."""
    return one == other or (one.startswith(HEX) and other.startswith(HEX) and one.lower() == other.lower())


def _listed(found: Iterable[ListedWithdrawal]) -> str:
    """Withdrawals as a person finds them on the venue's page."""
    return "; ".join(
        f"{one.report.venue_id}: {one.asked:f} on {one.network or 'a network that is not reported'},"
        f" {one.report.detail}"
        for one in found
    )

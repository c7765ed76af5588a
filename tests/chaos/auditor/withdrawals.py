"""I3: a withdrawal leaves at most once, and only to the place on the allow-list."""

from collections.abc import Iterator, Mapping

from chaos.auditor.books import Books, WithdrawalIntent
from chaos.auditor.evidence import Place, Violation, violation
from chaos.auditor.names import TransferName
from chaos.auditor.reconciliation import owners
from chaos.auditor.venue_truth import VenueTruth, Withdrawal


def check_withdrawals(truth: VenueTruth, books: Books, allowed: Mapping[tuple[str, str], Place]) -> Iterator[Violation]:
    """One withdrawal of an intent, one of a leg; each to its place, of the amount that was meant."""
    owner = owners(truth, books)
    left: list[tuple[str, Withdrawal]] = []
    for withdrawal in truth.withdrawals:
        yield from _place(withdrawal, allowed.get((withdrawal.venue, withdrawal.coin)))
        intent = owner.get(withdrawal.uuid)
        if intent is None:
            yield violation("a withdrawal that nobody meant", withdrawal=withdrawal.uuid, journal=withdrawal.n)
            continue
        yield from _amount(withdrawal, intent)
        if withdrawal.left:
            left.append((intent.transfer_id, withdrawal))
    yield from _once(left)


def _place(withdrawal: Withdrawal, place: Place | None) -> Iterator[Violation]:
    sent_to = Place(withdrawal.network, withdrawal.address, withdrawal.tag)
    if place != sent_to:
        yield violation("sent to a place that is not on the list", withdrawal=withdrawal.uuid, to=sent_to)


def _amount(withdrawal: Withdrawal, intent: WithdrawalIntent) -> Iterator[Violation]:
    if intent.amount not in {withdrawal.arrives, withdrawal.arrives + withdrawal.fee}:
        yield violation(
            "a withdrawal of another amount",
            transfer=intent.transfer_id,
            intent=intent.amount,
            arrives=withdrawal.arrives,
            fee=withdrawal.fee,
        )


def _once(left: list[tuple[str, Withdrawal]]) -> Iterator[Violation]:
    transfers: dict[str, list[str]] = {}
    legs: dict[tuple[TransferName, str, str], list[str]] = {}
    for transfer, withdrawal in left:
        transfers.setdefault(transfer, []).append(f"{withdrawal.uuid}@{withdrawal.n}")
        name = TransferName.of(transfer)
        # Undoing may send twice: coins back, and later the cash of what was sold abroad; each of them once.
        if name is not None:
            legs.setdefault((name, withdrawal.venue, withdrawal.coin), []).append(transfer)
    for transfer, uuids in transfers.items():
        if len(uuids) > 1:
            yield violation("one transfer left more than once", transfer=transfer, withdrawals=" ".join(uuids))
    for (name, _, coin), sent in legs.items():
        if len(set(sent)) > 1:
            yield violation(
                "more than one withdrawal of a leg left",
                cycle=name.cycle,
                leg=name.leg,
                coin=coin,
                transfers=" ".join(sent),
            )

"""Which of the deposits of a txid is a transfer's own. Pure.

A venue may pay several withdrawals out in one transaction. Then the destination lists as many deposits under one txid,
each as late as it likes, and what tells them apart is their amount. Of two of the same amount either is as good.
"""

from collections import Counter
from collections.abc import Sequence

from kimp.contracts.transfers import DepositQuery, TransferState
from kimp.ports.exchange import VenueDeposit
from kimp.ports.journal import DepositClaim

PREFERRED = (TransferState.DONE, TransferState.PENDING, TransferState.FAILED)
"""Of several deposits of the same amount: one that was refused is the transfer's own only if no other can be."""


def matching_deposit(
    query: DepositQuery, listed: Sequence[VenueDeposit], claims: Sequence[DepositClaim]
) -> VenueDeposit | None:
    """The one that the transfer has claimed before, else one of its amount that nobody has claimed."""
    claimed = _claimed(query, claims)
    if claimed is not None:
        return next((deposit for deposit in listed if deposit.venue_id == claimed), None)
    fitting = [deposit for deposit in _free(listed, claims) if deposit.amount == query.arrives]
    return min(fitting, key=lambda deposit: PREFERRED.index(deposit.state), default=None)


def nearest_deposit(
    query: DepositQuery, listed: Sequence[VenueDeposit], claims: Sequence[DepositClaim]
) -> VenueDeposit | None:
    """Without one of its amount: the nearest, once everybody else who waits under the txid can have their own."""
    if _claimed(query, claims) is not None:
        return None
    others = [claim for claim in claims if claim.transfer_id != query.transfer_id]
    free = _free(listed, claims)
    waiting = Counter(claim.arrives for claim in others if claim.deposit_id is None and not claim.over)
    if waiting - Counter(deposit.amount for deposit in free):
        return None
    # Also without what the others have: it may have been credited twice.
    theirs = {claim.arrives for claim in others}
    left = [deposit for deposit in free if deposit.amount not in theirs]
    return min(left, key=lambda deposit: abs(deposit.amount - query.arrives), default=None)


def _claimed(query: DepositQuery, claims: Sequence[DepositClaim]) -> str | None:
    return next((claim.deposit_id for claim in claims if claim.transfer_id == query.transfer_id), None)


def _free(listed: Sequence[VenueDeposit], claims: Sequence[DepositClaim]) -> list[VenueDeposit]:
    taken = {claim.deposit_id for claim in claims}
    return [deposit for deposit in listed if deposit.venue_id not in taken]

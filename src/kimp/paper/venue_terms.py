"""Where the two venues' ways with orders and money differ: facts, so that the engine is one for both."""

from dataclasses import dataclass

from kimp.domain.venues import Venue


@dataclass(frozen=True, slots=True)
class VenueTerms:
    """Of one venue."""

    fee_on_top: bool
    """A buyer pays the fee in cash, on top; else out of the coins bought."""
    change_cancels: bool
    """A buy whose change buys not even one lot more ends as cancelled, and the change comes back; else as filled."""
    locks_withdrawals: bool
    """Amount and fee of a withdrawal are locked until they leave; else they are taken out of the balance at once."""
    credits_early: bool
    """A deposit is credited for trading only, some confirmations before it may be withdrawn."""


TERMS = {
    Venue.UPBIT: VenueTerms(fee_on_top=True, change_cancels=True, locks_withdrawals=True, credits_early=False),
    Venue.BINANCE: VenueTerms(fee_on_top=False, change_cancels=False, locks_withdrawals=False, credits_early=True),
}

"""Whether a venue's wallets take and send coins."""

from enum import StrEnum

from kimp.domain.venues import Venue


class WalletState(StrEnum):
    """Upbit's words (docs.upbit.com get-service-status); Binance tells the same by two switches."""

    WORKING = "working"
    WITHDRAW_ONLY = "withdraw_only"
    DEPOSIT_ONLY = "deposit_only"
    PAUSED = "paused"

    @property
    def takes(self) -> bool:
        return self in (WalletState.WORKING, WalletState.DEPOSIT_ONLY)

    @property
    def sends(self) -> bool:
        return self in (WalletState.WORKING, WalletState.WITHDRAW_ONLY)


class Wallets:
    """All are working until somebody says otherwise."""

    def __init__(self) -> None:
        self._states: dict[tuple[Venue, str], WalletState] = {}

    def of(self, venue: Venue, coin: str) -> WalletState:
        return self._states.get((venue, coin), WalletState.WORKING)

    def set(self, venue: Venue, coin: str, state: WalletState) -> None:
        self._states[venue, coin] = state

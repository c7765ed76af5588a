"""Buys that are not simply for an amount of cash."""

from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import MarketNow
    from kimp.domain import sizing
    from kimp.domain.money import ZERO, exact

from workflows.execution import Execution


class BuyBack(Execution):
    """Buys at least `target` coins, and hardly more, with whatever cash there is: they were given away, or taken."""

    @exact
    def _quantity(self, now: MarketNow) -> Decimal:
        lacking = self._target - self.coins
        return sizing.least_buy(lacking, now.quote.ask, now.instrument) if lacking > ZERO else ZERO

    def _what(self) -> str:
        return f"buy {self._target:f} {self._place.coin} back on {self._place.venue}"


class RouteBuy(Execution):
    """Buys the coin of a way home. While nothing is bought, a wait gives the choice of the way back to the caller."""

    @property
    def given_up(self) -> bool:
        """The market has moved on meanwhile: another way may be cheaper, or this one dearer than is bearable."""
        return self._waited and self.coins == ZERO

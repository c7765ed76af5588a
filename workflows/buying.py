"""Buys that are not simply for an amount of cash."""

from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import MarketNow
    from kimp.domain import sizing
    from kimp.domain.depth import coins_for, walk
    from kimp.domain.market import Side
    from kimp.domain.money import ONE, ZERO, exact

from workflows.execution import Execution

AT_THE_PRICE_SHOWN = "a-way-home-is-bought-at-the-price-shown"
"""Earlier buys were sized for a fill at their limit, and left what they saved on the other venue."""


class BuyBack(Execution):
    """Buys at least `target` coins, and hardly more, with whatever cash there is: they were given away, or taken."""

    @exact
    def _quantity(self, now: MarketNow) -> Decimal:
        lacking = self._target - self.coins
        return sizing.least_buy(lacking, now.quote.ask, now.instrument) if lacking > ZERO else ZERO

    def _what(self) -> str:
        return f"buy {self._target:f} {self.place.coin} back on {self.place.venue}"


class RouteBuy(Execution):
    """Buys the coin of a way home. While nothing is bought, a wait gives the choice of the way back to the caller."""

    @exact
    def limit(self, now: MarketNow) -> Decimal:
        """The worst price that the book shows for all of the cash, so that all of it is spent and no more.

        Where nothing was to be had at it any more, the next order may pay as much more as any other.
        """
        if self._fruitless or not workflow.patched(AT_THE_PRICE_SHOWN):
            return super().limit(now)
        coins, carried = coins_for(now.quote, (self._target - self.cash) / sizing.paid(ONE, now.instrument))
        return walk(now.quote, Side.BUY, coins).worst if carried else super().limit(now)

    @property
    def _tries_at_once(self) -> bool:
        return self._fruitless == 1 and workflow.patched(AT_THE_PRICE_SHOWN)

    @property
    def given_up(self) -> bool:
        """The market has moved on meanwhile: another way may be cheaper, or this one dearer than is bearable."""
        return self._waited and self.coins == ZERO

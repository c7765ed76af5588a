"""What is traded, for how much, and what keeps it from being too much. At run time: `run_time`."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from kimp.config.section import CoinName, Section, all_hold
from kimp.contracts.cycle import CyclePolicy
from kimp.domain.caps import ORDER_CEILING_KRW, Caps
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits
from kimp.domain.own_prices import PriceBounds

DAY_S = 86_400
# Ratios. Beyond these ends no market and no intention is known, only slips: a percentage for a ratio, a lost sign.
Threshold = Annotated[Decimal, Field(ge=0, le=Decimal("0.2"))]
Slippage = Annotated[Decimal, Field(ge=0, le=Decimal("0.05"))]
Band = Annotated[Decimal, Field(ge=Decimal("0.005"), le=Decimal("0.5"))]
Share = Annotated[Decimal, Field(ge=Decimal("0.01"), le=100)]
ResultRatio = Annotated[Decimal, Field(ge=Decimal("-0.5"), le=Decimal("0.2"))]


class TradingSettings(Section):
    """What to trade, when, and how much."""

    coins: tuple[CoinName, ...] = ("XRP", "SOL", "SUI", "AVAX", "NEAR", "APT")
    """Coins to earn with. USDT is always a way home and need not be named."""
    follow_all: bool = False
    """Whether the feeder also follows all other coins that both venues list and nothing speaks against, so that
    `kimp record` keeps their books and their usual premiums are known. They are not traded: that takes a coin's name in
    `coins`, its networks and its addresses.
    """
    prefunded: tuple[CoinName, ...] = ()
    """Of these coins, which both venues have to hold, leg one is bought and sold at the same instant. Try it on the
    paper exchange alone: it has been through one whole chaos run, and beside a real venue it is refused.
    """
    threshold: Threshold = Decimal("0.004")
    """Least expected result of the whole cycle over the cash spent (0.004 = 0.4 %)."""
    notional_krw: Decimal = Field(default=Decimal(2_000_000), ge=5_000, le=ORDER_CEILING_KRW)
    """Most cash that a cycle starts with, in won; with less where the books carry less."""
    least_notional_krw: Decimal = Field(default=Decimal(500_000), ge=5_000, le=ORDER_CEILING_KRW)
    """Least cash that a cycle starts with, in won; no more than `notional_krw` in any case."""
    slippage: Slippage = Decimal("0.002")
    """How much worse than the quote an order may fill."""
    premium_band: Band = Decimal("0.03")
    """A coin whose premium is further than this from zero, or from what is usual for it, is neither traded nor a way
    home.
    """
    tick_share: Share = Decimal("0.25")
    """A coin is left out if one tick of its price, on either venue, is more than this share of the threshold."""
    least_turnover_krw: Decimal = Field(default=Decimal(3_000_000_000), ge=0, le=10**15)
    """A coin is left out if it turned over less than this in 24 hours on either venue, in won. 0: any."""
    price_band: Decimal = Field(default=Decimal("0.01"), ge=Decimal("0.001"), le=Decimal("0.1"))
    """A cycle is not opened if the venues' own prices are further than this from those that it was decided by."""
    least_krw_per_usdt: Decimal = Field(default=Decimal(500), ge=100, le=10_000)
    """Nothing is valued, and no cycle opened, at a rate below this."""
    most_krw_per_usdt: Decimal = Field(default=Decimal(5_000), ge=100, le=10_000)
    """The same above it."""
    max_quote_age_ms: int = Field(default=2_000, ge=10, le=60_000)
    """Older quotes are not traded on. A quote is as old as its stream's last sign of life, one a second at least."""
    cooldown_s: int = Field(default=5, ge=0, le=DAY_S)
    """Pause of a coin after its cycle ended."""
    start_within_ms: int = Field(default=2_000, ge=10, le=60_000)
    """Leg one is not sent later than this after it was detected."""
    rebalance_floor: ResultRatio = Decimal("0.001")
    """A way home is taken at once if the cycle still earns this much."""
    rebalance_loss_limit: ResultRatio = Decimal("-0.01")
    """After the deadline a way home may cost this much."""
    compensation_loss_limit: ResultRatio = Decimal("-0.05")
    """A cycle that is undone may lose this much at last, reached step by step."""
    rebalance_deadline_s: int = Field(default=3_600, gt=0, le=30 * DAY_S)
    """How long a cycle waits for a way home that keeps the floor."""
    rebalance_poll_s: int = Field(default=5, gt=0, le=3_600)
    """Pause between two looks for a way home."""
    deposit_unseen_s: int = Field(default=10_800, gt=0, le=30 * DAY_S)
    """A deposit that was never listed for so long is shown to a person; every chain is final within minutes."""

    @field_validator("coins")
    @classmethod
    def _no_cash(cls, coins: tuple[str, ...]) -> tuple[str, ...]:
        all_hold(
            (
                not {"USDT", "KRW"} & {*coins},
                "KRW and USDT are cash, not coins to earn with; leave them out (USDT is always a route)",
            ),
            (len(set(coins)) == len(coins), "a coin is named twice"),
        )
        return coins

    @model_validator(mode="after")
    def _floor_above_limit(self) -> "TradingSettings":
        all_hold(
            (
                self.rebalance_loss_limit <= self.rebalance_floor,
                "rebalance_loss_limit must not be above rebalance_floor",
            ),
            (
                self.least_krw_per_usdt < self.most_krw_per_usdt,
                "least_krw_per_usdt must be below most_krw_per_usdt",
            ),
            (
                self.slippage < self.price_band,
                "slippage must be below price_band, which each cycle's first limit is compared by",
            ),
            (
                self.compensation_loss_limit <= self.rebalance_loss_limit,
                "compensation_loss_limit must not be above rebalance_loss_limit",
            ),
        )
        return self

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The coins, and USDT, which is a market on Upbit and a way home."""
        return (*(Asset(coin) for coin in self.coins), USDT)

    def limits(self) -> Limits:
        return Limits(
            threshold=self.threshold,
            notional_krw=self.notional_krw,
            slippage=self.slippage,
            premium_band=self.premium_band,
            max_quote_age_ms=self.max_quote_age_ms,
            least_notional_krw=self.least_notional_krw,
            tick_share=self.tick_share,
            least_turnover_krw=self.least_turnover_krw,
        )

    def price_bounds(self) -> PriceBounds:
        return PriceBounds(self.price_band, self.least_krw_per_usdt, self.most_krw_per_usdt)

    def policy(self, caps: Caps) -> CyclePolicy:
        return CyclePolicy(
            slippage=self.slippage,
            route_coins=self.assets,
            rebalance_floor=self.rebalance_floor,
            rebalance_loss_limit=self.rebalance_loss_limit,
            compensation_loss_limit=self.compensation_loss_limit,
            rebalance_deadline_s=self.rebalance_deadline_s,
            rebalance_poll_s=self.rebalance_poll_s,
            deposit_unseen_s=self.deposit_unseen_s,
            max_quote_age_ms=self.max_quote_age_ms,
            caps=caps,
        )


class CapSettings(Section):
    """How much may be at stake, and when kimp stops itself until a person resumes. The bounds are hard ceilings."""

    order_krw: Decimal = Field(default=Decimal(5_000_000), gt=0, le=ORDER_CEILING_KRW)
    """Value of one order at its limit; a larger sale goes out in parts."""
    cycle_krw: Decimal = Field(default=Decimal(5_000_000), gt=0, le=ORDER_CEILING_KRW)
    """Cash that one cycle starts with, in won."""
    day_krw: Decimal = Field(default=Decimal(1_000_000_000), gt=0, le=100_000_000_000)
    """The same of all cycles of 24 hours, together."""
    open_cycles: int = Field(default=5, gt=0, le=500)
    """No new cycle while so many run."""
    cycles_per_minute: int = Field(default=30, gt=0, le=600)
    """More than so many halt trading until `kimp resume`."""
    losses_in_a_row: int = Field(default=5, gt=0, le=100)
    """So many halt trading until `kimp resume`."""
    day_loss_krw: Decimal = Field(default=Decimal(300_000), gt=0, le=1_000_000_000)
    """What the cycles of 24 hours may lose; then trading halts until `kimp resume`."""

    unexplained_krw: Decimal = Field(default=Decimal(10_000), ge=0, le=1_000_000_000)
    """Balances that the ledger can't explain, by value; more halts trading until `kimp resume`."""

    def caps(self) -> Caps:
        return Caps(
            order_krw=self.order_krw,
            cycle_krw=self.cycle_krw,
            day_krw=self.day_krw,
            open_cycles=self.open_cycles,
            cycles_per_minute=self.cycles_per_minute,
            losses_in_a_row=self.losses_in_a_row,
            day_loss_krw=self.day_loss_krw,
        )

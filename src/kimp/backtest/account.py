"""The books of a backtest: cash on both venues, and what is at stake."""

from collections import deque
from decimal import Decimal

from kimp.backtest.cycles import Cycle
from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel
from kimp.domain.caps import Exposure
from kimp.domain.decision import Plan, RiskState
from kimp.domain.durations import DAY_MS, MINUTE_MS
from kimp.domain.money import ZERO, Asset, Money, exact
from kimp.domain.venues import Pair, Venue
from kimp.domain.won import in_won


class BacktestAccount:
    """What the gates of the books ask of. The latches that wait for a person are counted and not closed."""

    def __init__(self, pair: Pair, cash: dict[Venue, Money]) -> None:
        self._pair = pair
        self.cash = cash
        self._started: deque[tuple[int, int]] = deque()
        """When, and what was at stake."""
        self._open: dict[Asset, Cycle] = {}
        self._closed: dict[Asset, CoinState] = {}
        self.most_at_work_krw = ZERO
        self.turnover_krw = ZERO
        self.losses_in_a_row = 0
        self.longest_losses = 0

    def risk_state(self, now_ms: int) -> RiskState:
        while self._started and self._started[0][0] <= now_ms - DAY_MS:
            self._started.popleft()
        minute = sum(1 for at_ms, _ in self._started if at_ms > now_ms - MINUTE_MS)
        exposure = Exposure(
            open_cycles=len(self._open), started_last_minute=minute, day_krw=sum(stake for _, stake in self._started)
        )
        legs_out = {(coin, cycle.direction) for coin, cycle in self._open.items()}
        return RiskState(HaltLevel.RUN, exposure, dict(self.cash), legs_out)

    def state(self, coin: Asset, away_until_ms: int, now_ms: int) -> CoinState:
        """A coin whose stock is under way counts as one with an open cycle."""
        closed = self._closed.get(coin, NEVER_TRADED)
        if coin in self._open or away_until_ms > now_ms:
            return CoinState(closed.last_number, open=True, closed_ms=None)
        return closed

    def number(self, coin: Asset) -> int:
        return self._closed.get(coin, NEVER_TRADED).last_number + 1

    @property
    def open(self) -> int:
        return len(self._open)

    def start(self, cycle: Cycle) -> None:
        self._open[cycle.coin] = cycle
        venue = cycle.direction.source
        self.cash[venue] -= cycle.plan.reserve
        self._started.append((cycle.started_ms, cycle.plan.stake_krw))
        at_work = sum((Decimal(other.plan.stake_krw) for other in self._open.values()), ZERO)
        self.most_at_work_krw = max(self.most_at_work_krw, at_work)

    @exact
    def end(self, cycle: Cycle, now_ms: int) -> None:
        """Book what came of it, in the cash that it is in."""
        del self._open[cycle.coin]
        source, destination = cycle.direction.source, cycle.direction.destination
        self.cash[source] += cycle.plan.reserve
        number = self.number(cycle.coin)
        self._closed[cycle.coin] = CoinState(number, open=False, closed_ms=now_ms)
        if cycle.spent is None or cycle.returned is None:
            return
        rate = cycle.plan.found.krw_per_usdt
        left = cycle.left or Money(ZERO, destination.cash)
        self.cash[source] += cycle.returned - cycle.spent
        self.cash[destination] += left
        cycle.profit_krw = in_won(cycle.returned - cycle.spent, rate) + in_won(left, rate)
        self.turnover_krw += 2 * in_won(cycle.spent, rate) + 2 * in_won(cycle.returned, rate)
        self.losses_in_a_row = 0 if cycle.profit_krw >= ZERO else self.losses_in_a_row + 1
        self.longest_losses = max(self.longest_losses, self.losses_in_a_row)


@exact
def expected_krw(plan: Plan) -> Decimal:
    """What the cycle earns if no price moves: what comes home, and what whole lots leave over on the way."""
    found, rate = plan.found, plan.found.krw_per_usdt
    left = found.leg_one.proceeds - found.route.spent
    return in_won(found.route.proceeds - found.leg_one.spent, rate) + in_won(left, rate)

"""What a cycle tells the world while it runs: search attributes, details in the Web UI, read model, ledger."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import CycleRecord, CycleResult, CycleTerms, TakeOver
    from kimp.contracts.operators import OperatorDecision, WriteOff
    from kimp.contracts.orders import OrderIntent, OrderPair
    from kimp.contracts.progress import MarketRef, TrackedSoFar
    from kimp.contracts.search_attributes import KIMP_PROFIT_KRW, KIMP_REASON, KIMP_STATUS, WITHHELD
    from kimp.contracts.status import CycleStatus
    from kimp.domain.ids import Step, UsedNumber, step_of
    from kimp.domain.ledger import Entry, Held, Holder, Posting, holdings, write_off_entry
    from kimp.domain.money import Asset, Money
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.venues import Venue
    from kimp.domain.wording import exactly, won

from workflows.control import Control
from workflows.numbers import Numbers
from workflows.recording import try_record, unrecorded_reason, without_amounts
from workflows.timeline import Timeline, ended
from workflows.valuing import VALUES_ALL, Valuation

COUNTED = "reasons-are-counted-by-kind"
"""Records of before there was such a thing gave reasons in words alone."""
ENDS_COUNTED = "ends-are-counted-by-kind"
"""So did last records until later."""


class CycleTracker:
    """The state of one cycle, and everyone who is told of a change."""

    def __init__(self, cycle: CycleTerms, control: Control, takes_over: TakeOver | None = None) -> None:
        self.cycle = cycle
        self.control = control
        self.run_id = workflow.info().first_execution_run_id
        began_as = workflow.info().original_execution_run_id
        self.asking_run_id = None if began_as == self.run_id else began_as
        self.walked_through = False
        """What an earlier run did is walked through again, until the first question of this one: it is not told anew.
        """
        self.status = CycleStatus.STARTED
        self.waiting_reason: str | None = None
        self.reason: str | None = None
        self._kind: str | None = None
        """What it waits, is parked or ended for, to count by."""
        self.spent: Money | None = None
        self.returned: Money | None = None
        self.route: Asset | None = None
        self.profit_krw: Decimal | None = None
        self.krw_per_usdt = cycle.krw_per_usdt
        self.valuation = Valuation()
        self.entries: list[Entry] = []
        """What this run booked, in that order."""
        self._before: dict[tuple[Holder, Asset], Decimal] = {}
        """Held by what earlier runs booked."""
        self._booked: set[str] = set()
        self.absent: list[OrderIntent] = []
        """Orders that were given up after their fence; undoing looks for each once more before it trades."""
        self.refused: set[tuple[Venue, Asset]] = set()
        """Markets that the account may not trade on; forgotten once a person says: try again."""
        self.rejected_coin: Asset | None = None
        """Of the last order that a market refused on the way out or home."""
        self._refused_coin: Asset | None = None
        """The same, once that is what the cycle ended for."""
        self.unanswered: OrderIntent | None = None
        """The order that is being asked about."""
        self.unanswered_pair: OrderPair | None = None
        """Both orders that are."""
        self._takes_over = takes_over
        self._timeline = Timeline()
        self._sequence = takes_over.sequence if takes_over else 0
        self.numbers = Numbers()
        self._written_off = 0
        self._waiting_since_ms: int | None = None
        self._next_check_ms: int | None = None
        self._pause: timedelta | None = None
        self.least_pause = timedelta()
        """The last one of an earlier run of the workflow, while it waits for the same."""

    @property
    def held(self) -> Held:
        """What the cycle gained and lost on the venues and in transit, exactly, by what is booked."""
        return holdings(self.entries, self._before)

    def so_far(self) -> TrackedSoFar:
        """For the next run of the workflow."""
        return TrackedSoFar(
            status=self.status,
            sequence=self._sequence,
            waiting_reason=self.waiting_reason,
            waiting_since_ms=self._waiting_since_ms,
            next_check_ms=self._next_check_ms,
            pause_s=None if self._pause is None else int(self._pause.total_seconds()),
            reason=self.reason,
            reason_kind=self._kind,
            spent=self.spent,
            returned=self.returned,
            route=self.route,
            krw_per_usdt=self.krw_per_usdt,
            prices=self.valuation.prices,
            fees_elsewhere=self.valuation.fees_elsewhere,
            held=tuple(Posting(account, asset, amount) for (account, asset), amount in self.held.items()),
            booked=tuple(sorted(filter(self._may_come_again, self._booked))),
            absent=tuple(self.absent),
            refused=tuple(MarketRef(venue=venue, coin=coin) for venue, coin in sorted(self.refused)),
            rejected_coin=self.rejected_coin,
            unanswered=self.unanswered,
            unanswered_pair=self.unanswered_pair,
            numbers=self.numbers.used(),
            written_off=self._written_off,
            lines=self._timeline.kept,
        )

    def _may_come_again(self, entry_id: str) -> bool:
        """Of the fills of a sale in thousands of parts none may: its orders are not asked about any more."""
        absent = {order.client_order_id for order in self.absent}
        return step_of(entry_id)[1:] == Step.SEND or entry_id.partition("/")[0] in absent

    def restore(self, reported: TrackedSoFar) -> None:
        """Go on where an earlier run of the workflow stopped."""
        self.walked_through = True
        self.status, self._sequence = reported.status, reported.sequence
        self.waiting_reason, self._waiting_since_ms = reported.waiting_reason, reported.waiting_since_ms
        self._next_check_ms, self.reason, self._kind = reported.next_check_ms, reported.reason, reported.reason_kind
        self.least_pause = timedelta(seconds=reported.pause_s or 0)
        self.spent, self.returned, self.route = reported.spent, reported.returned, reported.route
        self.krw_per_usdt = reported.krw_per_usdt
        self.valuation.restore(reported)
        self._before = {(one.account, one.asset): one.amount for one in reported.held}
        self._booked = set(reported.booked)
        self.absent = list(reported.absent)
        self.refused = {(one.venue, one.coin) for one in reported.refused}
        self.rejected_coin = reported.rejected_coin
        asks = {"asking_run_id": self.asking_run_id}
        if reported.unanswered is not None:
            self.unanswered = reported.unanswered.model_copy(update=asks)
        if (pair := reported.unanswered_pair) is not None:
            buy, sell = pair.buy.model_copy(update=asks), pair.sell.model_copy(update=asks)
            self.unanswered_pair = OrderPair(buy=buy, sell=sell)
        self.numbers.use(reported.numbers)
        self._written_off = reported.written_off
        self._takes_over = None
        self._timeline.restore(reported.lines)
        self._show()

    @property
    def route_coins(self) -> tuple[Asset, ...]:
        """Those that bring cash home, but for what either venue refuses to trade with the account."""
        refused = {coin for _, coin in self.refused}
        return tuple(coin for coin in self.cycle.policy.route_coins if coin not in refused)

    def report(self, line: str) -> None:
        """Add a line to the table that the Web UI shows beside the running cycle."""
        workflow.logger.info("%s", line)
        result = self._timeline.so_far(self.held, self.krw_per_usdt)
        self._timeline.add(line, workflow.now(), result if self.profit_krw is None else won(self.profit_krw))
        self._show()

    def advance(self, status: CycleStatus) -> None:
        """Move on: searchable at once; the read model follows with what is booked next, or when the cycle waits."""
        if status is not self.status and not self.walked_through:
            self.status = status
            workflow.logger.info("%s", status)
            workflow.upsert_search_attributes([KIMP_STATUS.value_set(status)])
            self._show()

    async def book(self, what: str, entries: Sequence[Entry] = ()) -> None:
        """Record the cycle as it is, with what was just traded or moved; what is booked already is not booked again.

        `what` happened, in a line of the Web UI's timeline, and of its table if there is something to book.
        """
        entries = [entry for entry in entries if entry.entry_id not in self._booked]
        self._take_in(entries)
        self._sequence += 1
        if entries:
            self.report(what)
        record = self._record(entries)
        while (why := await try_record(record, what)) is not None and await self._shown_to_a_person(record, why):
            pass

    async def _shown_to_a_person(self, record: CycleRecord, why: str) -> bool:
        """The cycle parks where it stands, and its reason tells what is in no book. True: the record is tried again.

        Else it is left out, and what it told of stays in this run's memory alone, by which the cycle is undone.
        """
        before, reason, kind = self.status, self.reason, self._kind
        self.control.forget_decisions()
        self.reason, self._kind = unrecorded_reason(record, why), ReasonKind.DATABASE
        self.report(f"parked: {self.reason}")
        self._search_reason(self.reason)
        self.advance(CycleStatus.DEAD_LETTER)
        self._sequence += 1
        await try_record(without_amounts(self._record(())), f"parked: {self.reason}")
        decision = await self.control.decision()
        self.reason, self._kind = reason, kind
        self.advance(before)
        # At once, as who decided waits to see it go on, and the next record may be long in coming.
        self._sequence += 1
        await try_record(self._record(()), f"goes on: {decision}")
        if decision is OperatorDecision.RETRY:
            return True
        if not self.control.undoing:
            self.control.stop(why)
        return False

    def _take_in(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)
        self.valuation.count_fees(entries, self.krw_per_usdt)
        self._timeline.see(entries, self.krw_per_usdt)
        self._booked.update(entry.entry_id for entry in entries)

    async def wait(self, reason: Reason | None, until: timedelta | None = None) -> None:
        """Say what the cycle waits for and when it looks again, or with None that it waits no longer."""
        if reason is None and self.waiting_reason is None:
            return
        self._pause = until
        now = now_ms()
        self._kind = None if reason is None else reason.kind
        text = None if reason is None else reason.text
        if text != self.waiting_reason:
            self.waiting_reason = text
            workflow.logger.info("%s", self._waiting())
            self._waiting_since_ms = None if reason is None else now
            self._search_reason(text)
        self._next_check_ms = None if until is None else now + int(until.total_seconds() * 1000)
        await self.book(self._waiting())

    def _waiting(self) -> str:
        return "waits no longer" if self.waiting_reason is None else f"waits: {self.waiting_reason}"

    async def end(self, status: CycleStatus, why: Reason | None = None) -> CycleResult:
        """The last word."""
        self.walked_through = False
        await self.wait(None)
        reason = None if why is None else why.text
        if self.spent is not None or (self.held and workflow.patched(VALUES_ALL)):
            reason = await self._value(reason)
        self.reason = reason
        if why is not None and workflow.patched(ENDS_COUNTED):
            self._kind = why.kind
            self._refused_coin = self.rejected_coin if why.kind == ReasonKind.MARKET_REFUSED else None
        if reason is not None:
            self._search_reason(reason)
        if self.profit_krw is not None:
            self._search_profit(self.profit_krw)
        last = ended(status, reason, self.profit_krw)
        self.report(last)
        self.advance(status)
        await self.book(last)
        return CycleResult(
            cycle_id=self.cycle.cycle_id,
            status=status,
            reason=reason,
            spent=self.spent,
            returned=self.returned,
            profit_krw=self.profit_krw,
        )

    async def park(self, reason: Reason) -> None:
        """Nothing more happens until a person decides; the caller keeps the status to resume with."""
        self.walked_through = False
        await self.wait(None)
        self.reason, self._kind = reason.text, reason.kind
        self.report(f"parked: {reason}")
        self._search_reason(reason.text)
        self.advance(CycleStatus.DEAD_LETTER)
        await self.book(f"parked: {reason}")

    async def resume(self, status: CycleStatus, reason: str | None) -> None:
        """A person decided: on with it, with the status and reason it had before."""
        self.walked_through = False
        self.reason, self._kind = reason, None
        self._search_reason(reason)
        self.advance(status)
        await self.book(f"goes on, a person has decided: {status}")

    async def take_over(self, why: str) -> None:
        """Go on with a cycle that another run began: its row is this run's from now on."""
        self.reason = why
        self.report(f"taken over: {why}")
        self.advance(CycleStatus.COMPENSATING)
        await self.book(f"taken over: {why}")
        self._takes_over = None

    def add_earlier(self, entries: Sequence[Entry], numbers: Sequence[UsedNumber]) -> None:
        """What earlier runs booked, and the names that they used."""
        self._take_in(entries)
        self._written_off += sum(entry.entry_id.startswith(f"{self.cycle.cycle_id}/write-off/") for entry in entries)
        self.numbers.use(numbers)

    async def undo(self, reason: str) -> None:
        """From here on everything leads back."""
        self.walked_through = False
        await self.wait(None)
        self.reason = reason
        self._search_reason(reason)
        self.report(f"undoing: {reason}")
        self.advance(CycleStatus.COMPENSATING)
        await self.book(f"undoing: {reason}")

    async def write_off(self, loss: WriteOff) -> None:
        """Book what a person declared gone."""
        self._written_off += 1
        name = f"{self.cycle.cycle_id}/write-off/{self._written_off}"
        entry = write_off_entry(name, self.cycle.cycle_id, loss.account, loss.asset, loss.amount)
        await self.book(f"written off: {exactly(loss.amount)} {loss.asset} on {loss.account}", [entry])

    async def _value(self, reason: str | None) -> str | None:
        """The result in won; what is uncertain about it joins the reason that people read."""
        self.profit_krw, doubt = await self.valuation.result_krw(self.cycle.cycle_id, self.held, self.krw_per_usdt)
        if doubt is None:
            return reason
        self.report(doubt)
        return doubt if reason is None else f"{reason}. {doubt}"

    def _record(self, entries: Sequence[Entry]) -> CycleRecord:
        return CycleRecord(
            cycle_id=self.cycle.cycle_id,
            workflow_run_id=self.run_id,
            coin=self.cycle.coin,
            direction=self.cycle.direction,
            status=self.status,
            sequence=self._sequence,
            waiting_reason=self.waiting_reason,
            waiting_since_ms=self._waiting_since_ms,
            next_check_ms=self._next_check_ms,
            reason=self.reason,
            reason_kind=self._kind if self._kind is not None and workflow.patched(COUNTED) else None,
            refused_coin=self._refused_coin,
            spent=self.spent,
            returned=self.returned,
            route=self.route,
            profit_krw=self.profit_krw,
            expected_edge=self.cycle.expected_edge,
            premium=self.cycle.premium,
            settings_version=self.cycle.policy.settings_version,
            detected_at_ms=self.cycle.detected_at_ms,
            at_ms=now_ms(),
            entries=tuple(entries),
            takes_over=self._takes_over,
        )

    def _search_reason(self, reason: str | None) -> None:
        """Keywords are short: the first clause is enough to search by."""
        if reason is not None:
            reason = WITHHELD if self.cycle.policy.discreet else reason.split(";")[0][:80]
        value = KIMP_REASON.value_unset() if reason is None else KIMP_REASON.value_set(reason)
        workflow.upsert_search_attributes([value])

    def _search_profit(self, profit_krw: Decimal) -> None:
        if not self.cycle.policy.discreet:
            workflow.upsert_search_attributes([KIMP_PROFIT_KRW.value_set(int(profit_krw))])

    def _show(self) -> None:
        workflow.set_current_details(self._timeline.shown(self.status, self.waiting_reason, self.reason))


def now_ms() -> int:
    """Epoch milliseconds, the same in every replay."""
    return int(workflow.now().timestamp() * 1000)


def as_ms(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1000)


def as_time(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)

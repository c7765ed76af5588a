"""The live view of `kimp up` and `kimp demo` on a terminal."""

import asyncio
import signal
import time

from rich.console import Group, RenderableType
from rich.live import Live
from rich.segment import Segment, Segments
from rich.text import Text

from kimp.bootstrap.parts import CLOCK
from kimp.cli import views
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.dashboard import Shown, alerts_page, cut_to_width, in_order, overview
from kimp.cli.keyboard import keys_read
from kimp.cli.pages import CYCLE, OVERVIEW, Navigation, Quit, SetHalt
from kimp.cli.person import who
from kimp.cli.status import status_view
from kimp.cli.switch import describe_change
from kimp.cli.terminal import CleanConsole
from kimp.cli.trade_view import trade_view
from kimp.config import Settings
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput, KimpError
from kimp.operations import kill_switch
from kimp.operations.alerts import Alert, Alerts
from kimp.operations.cycles import Booked, cycle
from kimp.operations.dashboard import DashboardSnapshot, dashboard_snapshot
from kimp.operations.trade import trade_of
from kimp.ports.database import Database
from kimp.ports.ticks import TickBus

REFRESH_S = 1.0
STARTS_WITHIN_S = 60.0
LATEST = 50
NOTE = "by hand, in the live view"


class LiveView:
    """The whole terminal while it runs; what was there before comes back afterwards."""

    def __init__(self, console: CleanConsole, settings: Settings, database: Database, bus: TickBus) -> None:
        self._console = console
        self._settings = settings
        self._database = database
        self._bus = bus
        self._alerts = Alerts(settings.local.data_dir)
        self._pages = Navigation()
        self._snapshot: DashboardSnapshot | None = None
        self._closer: Booked | None = None
        self._pressed = asyncio.Event()
        self._asked: SetHalt | None = None
        self._begun = time.monotonic()

    def report(self, line: str) -> None:
        """Something that is no warning of a process: it stands among the alerts."""
        self._alerts.add(Alert(CLOCK.now_ms(), "kimp", line))

    async def run(self) -> None:
        """Until cancelled; the key to quit does what Ctrl-C does."""
        with Live(console=self._console, auto_refresh=False, screen=True) as live, keys_read(self._press):
            while True:
                await self._look()
                await self._show_until_it_is_old(live)

    def _press(self, key: str) -> None:
        act = self._pages.press(key)
        if isinstance(act, Quit):
            signal.raise_signal(signal.SIGINT)
        self._asked = act if isinstance(act, SetHalt) else self._asked
        self._pressed.set()

    async def _show_until_it_is_old(self, live: Live) -> None:
        """A key is answered at once, from what is known; only one that asks for something else looks anew."""
        end = time.monotonic() + REFRESH_S
        while (left := end - time.monotonic()) > 0:
            live.update(self._page(), refresh=True)
            try:
                await asyncio.wait_for(self._pressed.wait(), left)
            except TimeoutError:
                return
            self._pressed.clear()
            if self._asked is not None or self._pages.page == CYCLE:
                return

    async def _look(self) -> None:
        self._alerts.look()
        self._pages.looked()
        try:
            if (asked := self._asked) is not None:
                self._asked = None
                self._pages.show_message(await self._set_halt(asked.level))
            self._snapshot = await dashboard_snapshot(self._database, self._bus, self._settings, CLOCK, LATEST)
            if self._pages.page == CYCLE and self._pages.selected is not None:
                self._closer = await cycle(self._database, self._pages.selected)
        except KimpError as error:  # what was seen last stays
            self._pages.show_message(f"as of before: {error}")
        if self._snapshot is not None:
            self._pages.show_cycles([row.cycle_id for row in in_order(self._snapshot)])

    async def _set_halt(self, level: HaltLevel) -> str:
        change = kill_switch.resume if level is HaltLevel.RUN else kill_switch.halt
        try:
            before = await change(self._database.controls, level, NOTE, who())
        except BadInput as error:
            return str(error)
        return describe_change(before, level)

    def _page(self) -> RenderableType:
        width, height = self._console.size
        room = height - 1
        if self._snapshot is None:
            body = [Text("looking ...")]
        elif self._pages.page == OVERVIEW:
            body = overview(
                Shown(self._snapshot, self._alerts.latest, self._pages.selected, starting=self._starting), width, room
            )
        else:
            return Group(self._scrolled(self._whole(self._snapshot), room), self._footer(width))
        body += [Text()] * (room - len(body))
        return Group(*body[:room], self._footer(width))

    @property
    def _starting(self) -> bool:
        return time.monotonic() - self._begun < STARTS_WITHIN_S

    def _footer(self, width: int) -> Text:
        return cut_to_width(Text(self._pages.footer, style="reverse"), width)

    def _whole(self, now: DashboardSnapshot) -> RenderableType:
        """The page without regard to how much of it fits."""
        match self._pages.page:
            case "cycles":
                return CyclesTable(now.latest, title=f"the latest {len(now.latest)} cycles")
            case "market":
                return views.premiums_table(now.market)
            case "alerts":
                return Group(*alerts_page(self._alerts.latest))
            case "cycle" if self._closer is not None:
                row = self._closer.row
                return Group(views.cycle_card(row), trade_view(trade_of(self._closer.entries), row))
            case _:
                return status_view(now.status)

    def _scrolled(self, page: RenderableType, room: int) -> Segments:
        """The part of it that a person has come to."""
        lines = self._console.render_lines(page, pad=True)
        self._pages.scrolled = min(self._pages.scrolled, max(0, len(lines) - room))
        begin = self._pages.scrolled
        blank = [Segment(" " * self._console.width)]
        part = [*lines[begin : begin + room], *[blank] * (room - len(lines[begin : begin + room]))]
        return Segments([segment for line in part for segment in (*line, Segment.line())])

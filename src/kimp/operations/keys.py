"""The keys that a process signs with: looked at when it starts and from then on, and changed while it runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from kimp.config import KeyPair, Settings, VenueSettings, load
from kimp.config.switches import read_switches
from kimp.domain.errors import BadConfig, KeyRefused, KimpError, VenueError
from kimp.domain.keys import KeyFacts, Right, excess, expiry_warning, missing
from kimp.domain.venues import Venue
from kimp.observability import metrics
from kimp.ports.clock import Clock
from kimp.ports.exchange import Exchange

START_S, PAUSE_S = 5.0, 0.5
"""How long a start waits for venues that do not tell."""
LOOK_AGAIN_S = 30
"""While a venue has not yet said what a key may do."""
DAILY_S = 86_400
log = logging.getLogger(__name__)


class KeyInUse:
    """One key of one venue in this process. Called by the client for the pair to sign the next request with."""

    def __init__(self, venue: Venue, rights: Sequence[Right], settings: VenueSettings) -> None:
        self.venue = venue
        self.rights = tuple(rights)
        """All that this process does with it."""
        self.pair = settings.pair(self.rights[0])

    def __call__(self) -> KeyPair:
        return self.pair

    @property
    def name(self) -> str:
        return f"{self.venue} {' and '.join(self.rights)} key"

    @property
    def needs(self) -> frozenset[Right]:
        return frozenset().union(*(right.needs for right in self.rights))

    def complaint(self, facts: KeyFacts, settings: VenueSettings) -> str | None:
        """Why a process may not run with this key, and how to mend it."""
        if lacking := missing(facts, self.needs):
            return f"the {self.name} may not {_listed(lacking)}; make one that may, or name another in {self.where}"
        extra = excess(facts, self.needs)
        if extra and not all(settings.may_exceed(right) for right in self.rights):
            return (
                f"the {self.name} may also {_listed(extra)}, which it is not for; make one that may not,"
                f" or set {self.venue}.allow_excess_rights = true"
            )
        return None

    @property
    def where(self) -> str:
        return f"{self.venue}.keys.{self.rights[0]}"


@dataclass(frozen=True, slots=True)
class VenueKey:
    """A key, and the exchange that signs with it."""

    key: KeyInUse
    exchange: Exchange


class KeyKeeper:
    """Looks after the keys of a process."""

    def __init__(
        self,
        settings: Settings,
        held: Sequence[VenueKey],
        clock: Clock,
        open_with: Callable[[Settings, KeyInUse], Exchange],
    ) -> None:
        """`open_with` opens an exchange that signs with a key that is not in use yet."""
        self._settings = settings
        self._held = held
        self._clock = clock
        self._open_with = open_with
        self._unseen = list(held)
        self._failing = False

    async def start(self) -> None:
        """Ask the venues. Raises BadConfig for a key that may do less or more than this process needs.

        A venue that is away keeps nobody from starting: nothing can be sent to it either. `run` asks it again.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while not await self._all_seen():  # noqa: ASYNC110 - no event tells that a venue is back
                    await asyncio.sleep(PAUSE_S)
        for held in self._unseen:
            log.warning("it is not known yet what the %s may do: %s does not tell", held.key.name, held.key.venue)

    async def run(self) -> None:
        """Until cancelled. Raises BadConfig like `start`, once a venue has told."""
        store = await asyncio.to_thread(read_switches)
        every_s = self._settings.config.refresh_s if store.has_store else DAILY_S
        waited_s = 0
        while True:
            pause_s = min(LOOK_AGAIN_S, every_s) if self._unseen else every_s
            await asyncio.sleep(pause_s)
            waited_s += pause_s
            await self._all_seen()
            if store.has_store:
                await self._refresh()
            if waited_s >= DAILY_S:
                waited_s = 0
                await self._look_daily()

    async def _all_seen(self) -> bool:
        """Ask about the keys that nothing is known of yet. Raises BadConfig with all that are wrong."""
        complaints = await asyncio.gather(*(self._look(held) for held in list(self._unseen)))
        if wrong := [complaint for complaint in complaints if complaint is not None]:
            raise BadConfig("; ".join(wrong))
        return not self._unseen

    async def _look(self, held: VenueKey) -> str | None:
        """What is wrong with the key."""
        try:
            facts = await held.exchange.key_facts()
        except KeyRefused as refusal:
            return f"the {held.key.name} is refused; mend {held.key.where} ({refusal})"
        except VenueError:
            return None
        complaint = held.key.complaint(facts, self._settings.venue(held.key.venue))
        if complaint is None:
            self._unseen.remove(held)
            self._report(held.key, facts)
        return complaint

    async def _look_daily(self) -> None:
        """A key that a venue has cut since is not the end of this process: its cycles wait and say so."""
        for held in self._held:
            try:
                self._report(held.key, await held.exchange.key_facts())
            except VenueError as error:
                log.warning("the %s could not be looked at: %s", held.key.name, error)

    async def _refresh(self) -> None:
        try:
            fresh = await asyncio.to_thread(load)
        except Exception as error:  # noqa: BLE001 - whatever it is, cycles that run go on with the keys they have
            metrics.refresh_failures.add(1)
            if not self._failing:
                text = str(error) if isinstance(error, KimpError) else type(error).__name__
                log.warning("the configuration could not be read again, the keys stay as they are: %s", text)
            self._failing = True
            return
        if self._failing:
            log.info("the configuration can be read again")
        self._failing = False
        for held in self._held:
            await self._change(held.key, fresh)

    async def _change(self, key: KeyInUse, fresh: Settings) -> None:
        """To the key that the fresh settings name, if it is another one and a good one."""
        candidate = KeyInUse(key.venue, key.rights, fresh.venue(key.venue))
        if candidate.pair == key.pair:
            return
        exchange = self._open_with(self._settings, candidate)
        try:
            facts = await exchange.key_facts()
        except VenueError as error:
            log.error("the new %s is not taken, the old one stays in use: %s", key.name, error)  # noqa: TRY400
            return
        finally:
            await exchange.close()
        if complaint := candidate.complaint(facts, fresh.venue(key.venue)):
            log.error("the new key is not taken, the old one stays in use: %s", complaint)
            return
        key.pair = candidate.pair
        log.info("the %s was changed", key.name)
        self._report(key, facts)

    def _report(self, key: KeyInUse, facts: KeyFacts) -> None:
        now_ms = self._clock.now_ms()
        days = facts.days_left(now_ms)
        if days is not None:
            metrics.key_days.set(days, {"venue": key.venue, "right": "+".join(key.rights)})
        for note in (expiry_warning(facts, now_ms), *facts.warnings):
            if note:
                log.warning("the %s %s", key.name, note)


def _listed(rights: Sequence[str]) -> str:
    return " and ".join(rights)


@contextlib.asynccontextmanager
async def kept(keeper: KeyKeeper) -> AsyncIterator[None]:
    """Look after the keys while the block runs; a key that turns out to be wrong ends the block."""
    await keeper.start()
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(keeper.run())
            try:
                yield
            finally:
                running.cancel()
    except BaseExceptionGroup as failed:
        # Whoever ended first says why, as if there were no group; a task group would wrap even a lone error.
        raise failed.exceptions[0] from None

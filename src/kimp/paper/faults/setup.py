"""Puts the faults into their places."""

from kimp.domain.venues import Venue
from kimp.paper.clock import Agenda
from kimp.paper.conditions import Conditions
from kimp.paper.desk import Desk
from kimp.paper.faults.injector import Injector
from kimp.paper.faults.orders import OrderFaults
from kimp.paper.faults.plan import FaultPlan
from kimp.paper.faults.requests import RequestFaults
from kimp.paper.faults.streams import FrameFaults
from kimp.paper.faults.transfers import TransferFaults
from kimp.paper.journal import PaperJournal
from kimp.paper.transfers import TransferDesk
from kimp.paper.wallets import Wallets
from kimp.ports.clock import Clock


class Faults:
    """All faults of one paper exchange, decided by one injector."""

    def __init__(
        self,
        plan: FaultPlan,
        desks: dict[Venue, Desk],
        transfers: TransferDesk,
        wallets: Wallets,
        conditions: Conditions,
        agenda: Agenda,
        clock: Clock,
        journal: PaperJournal,
    ) -> None:
        self.injector = Injector(plan, journal)
        self._conditions = conditions
        self._agenda = agenda
        self._clock = clock
        for venue, desk in desks.items():
            desk.hook = OrderFaults(venue, self.injector, desk.accounts, conditions)
        transfers.hook = TransferFaults(self.injector, wallets, transfers.till, agenda, clock, journal)

    def of_requests(self, venue: Venue) -> RequestFaults:
        """For the venue's seam."""
        return RequestFaults(venue, self.injector, self._conditions, self._agenda, self._clock)

    def of_stream(self, venue: Venue, path: str) -> FrameFaults:
        """For one WebSocket connection."""
        return FrameFaults(venue, path, self.injector, self._clock)

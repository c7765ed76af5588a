"""The whole database, for whoever works with several parts of it."""

from typing import Protocol

from kimp.ports.catching_up import CatchingUp
from kimp.ports.controls import Capital, KillSwitch
from kimp.ports.journal import Journal
from kimp.ports.ledger import Ledger
from kimp.ports.presence import Presence
from kimp.ports.read_model import ReadModel
from kimp.ports.settings import SettingsVersions
from kimp.ports.story import Stories


class Database(Protocol):
    """Every method of every part raises StoreUnavailable while it does not serve."""

    @property
    def place(self) -> str:
        """Where it is, for people; without user and password."""
        ...

    @property
    def journal(self) -> Journal: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def read_model(self) -> ReadModel: ...

    @property
    def controls(self) -> KillSwitch: ...

    @property
    def capital(self) -> Capital: ...

    @property
    def settings(self) -> SettingsVersions: ...

    @property
    def presence(self) -> Presence: ...

    @property
    def stories(self) -> Stories: ...

    @property
    def catching_up(self) -> CatchingUp: ...

    async def ping(self) -> None:
        """Raises StoreUnavailable unless it writes: a replica, and a writer that was demoted, answer too."""
        ...

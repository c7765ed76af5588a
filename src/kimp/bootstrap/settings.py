"""The trading settings in force: the configuration, and what people have changed in the database since."""

import logging
from decimal import Decimal

from kimp.config import Settings
from kimp.config.run_time import InForce, in_force
from kimp.contracts.cycle import CyclePolicy
from kimp.domain.errors import BadConfig, BadInput, KimpError
from kimp.ports.settings import SettingsVersions

log = logging.getLogger(__name__)


class SettingsInForce:
    """The port `TradingRules`."""

    def __init__(self, configured: Settings, versions: SettingsVersions) -> None:
        self._configured = configured
        self._versions = versions
        self._last: InForce | None = None

    async def read(self) -> InForce:
        """Raises StoreUnavailable if the database does not serve, BadConfig for a version that is not valid."""
        self._last = await read_in_force(self._configured, self._versions)
        return self._last

    async def policy(self) -> CyclePolicy:
        """Raises as `read` does while nothing was ever read."""
        return (await self._now()).policy()

    async def unexplained_krw(self) -> Decimal:
        """Raises as `read` does while nothing was ever read."""
        return (await self._now()).settings.caps.unexplained_krw

    async def _now(self) -> InForce:
        try:
            return await self.read()
        except KimpError as error:
            if self._last is None:
                raise
            log.warning("%s; the trading settings that were read last stay in force", error)
            return self._last


async def read_in_force(configured: Settings, versions: SettingsVersions) -> InForce:
    """Raises StoreUnavailable if the database does not serve, BadConfig for a version that is not valid."""
    latest = await versions.latest()
    if latest is None:
        return InForce(configured, None)
    try:
        return in_force(configured, latest.changes, latest.version)
    except BadInput as error:
        raise BadConfig(
            f"version {latest.version} of the trading settings in the database: {error};"
            " mend it with `kimp settings set`"
        ) from None

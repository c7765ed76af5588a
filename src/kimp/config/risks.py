"""Settings that are valid each, and together ask for trouble. Pure."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from kimp.config.hosts import is_loopback
from kimp.config.settings import Settings
from kimp.config.switches import Switches
from kimp.config.venues import VenueSettings
from kimp.domain.keys import Right
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue


def risks(settings: Settings, switches: Switches, *, own_temporal: bool) -> list[str]:
    """One line each. `own_temporal`: no Temporal server is named, so kimp's dev server is meant."""
    assets = settings.trading.assets
    found = [line for venue in PAIR for line in _of_venue(venue, settings.venue(venue), assets)]
    if settings.trading.threshold < settings.trading.rebalance_floor:
        found.append("trading.threshold is below rebalance_floor: such cycles wait for a way home until the deadline")
    if any(settings.venue(venue).is_live for venue in PAIR):
        if settings.database_url is None:
            found.append("real venues with SQLite: a power cut may lose the last commits; set database_url")
        if own_temporal:
            found.append("real venues with the Temporal dev server: a power cut may lose cycles; set TEMPORAL_ADDRESS")
        if len({settings.venue(venue).is_live for venue in PAIR}) > 1:
            found.append("one venue is real and the other is not: no transfer between them can ever arrive")
    if switches.vault_addr is not None and _in_clear(switches.vault_addr):
        found.append("KIMP_VAULT_ADDR is not https: secrets cross the network in clear")
    return found


def _of_venue(venue: Venue, settings: VenueSettings, assets: Sequence[Asset]) -> Iterator[str]:
    if strangers := [coin for coin in settings.withdraw_to if coin not in assets]:
        yield f"{venue}.withdraw_to names {', '.join(strangers)}: neither among trading.coins nor USDT, so never sent"
    if not settings.is_live:
        return
    if any(settings.pair(right).access_key.get_secret_value() in settings.PAPER_KEYS for right in Right):
        yield f"{venue} is real, and {venue}.access_key is the paper exchange's"
    if lacking := [asset for asset in assets if asset not in settings.withdraw_to]:
        yield f"{venue}.withdraw_to has no {', '.join(lacking)}: cycles buy them and then cannot send"
    if settings.allow_excess_rights:
        yield f"{venue}.allow_excess_rights: whoever gets at one process gets all that its key may do"
    if not settings.rest_url.startswith("https://") or not settings.ws_url.startswith("wss://"):
        yield f"{venue}.rest_url or ws_url is not encrypted"


def _in_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")

"""Trading settings that change while kimp runs: which they are, and how far they may go from the configuration. Pure.

The configuration is the default of each, and the ceiling: at run time caps only get tighter, coins are a choice of
those that the feeder watches and that have wallets, and neither threshold nor notional leaves what the caps and the
way home allow. So who may write into the database can't stake more than who may write the configuration let them. Only
the premium band may become wider, for a crisis, and for a time that ends by itself.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from kimp.config.settings import Settings
from kimp.config.trading import CapSettings, TradingSettings
from kimp.config.wording import sentence
from kimp.contracts.cycle import CyclePolicy
from kimp.contracts.ranges import LAST_MS
from kimp.domain.errors import BadInput

COINS, THRESHOLD, NOTIONAL = "trading.coins", "trading.threshold", "trading.notional_krw"
BAND, WIDEST = "trading.premium_band", Decimal("0.5")
CAPS = tuple(f"caps.{name}" for name in CapSettings.model_fields)
NAMES = (COINS, THRESHOLD, NOTIONAL, BAND, *CAPS)
LONGEST_NAME, MOST_NAMES = 60, 5
"""Of names that are no settings: how much of them is told."""
Changes = Mapping[str, Any]
"""Name of a setting -> its value, as the configuration's own sources would give it, or a table of `value` and
`until_ms`, after which it holds no more."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Configuration and changes together."""

    settings: Settings
    version: int | None
    """Of the changes; None: there are none."""

    def policy(self) -> CyclePolicy:
        return self.settings.policy().model_copy(update={"settings_version": self.version})


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a setting may go."""

    words: str
    nearest: Callable[[Any], Any]
    """The allowed value that is nearest to a given one."""


def bounds(configured: Settings, timed: Container[str] = ()) -> dict[str, Bound]:
    """For each setting that may be changed; `timed` are those whose change ends by itself."""
    trading, caps = configured.trading, configured.caps
    return {
        COINS: Bound(
            f"any of {', '.join(trading.coins)}, which are configured",
            lambda coins: tuple(coin for coin in coins if coin in trading.coins),
        ),
        # A cycle that expects less than the floor would only wait for a way home until its deadline.
        THRESHOLD: _at_least(
            min(trading.threshold, trading.rebalance_floor),
            "what a way home must leave (trading.rebalance_floor)",
        ),
        NOTIONAL: _at_most(
            max(trading.notional_krw, min(caps.order_krw, caps.cycle_krw)), "what the configured caps allow"
        ),
        BAND: _at_most(WIDEST, "whatever happens")
        if BAND in timed
        else _at_most(trading.premium_band, "the configured band, and more only for some --hours"),
        **{name: _at_most(value_of(configured, name), "the configured ceiling") for name in CAPS},
    }


def _at_least(least: Decimal, whence: str) -> Bound:
    return Bound(f"at least {as_typed(least)}, {whence}", lambda value: max(value, least))


def _at_most(most: Decimal | int, whence: str) -> Bound:
    return Bound(f"at most {as_typed(most)}, {whence}", lambda value: min(value, most))


def in_force(configured: Settings, changes: Changes, version: int | None, now_ms: int = 0) -> InForce:
    """What lies beyond its bound is held there: the configuration may have become tighter since.

    Raises BadInput for changes that are no settings at all.
    """
    lasting = {name: change for name, change in changes.items() if (ends_ms(change) or LAST_MS) > now_ms}
    plain = {name: _plain(change) for name, change in lasting.items()}
    within = bounds(configured, {name for name, change in lasting.items() if ends_ms(change) is not None})
    asked = _changed(configured, plain)
    held = {name: within[name].nearest(value_of(asked, name)) for name in plain}
    return InForce(_changed(configured, held), version)


def ends_ms(change: Any) -> int | None:
    """When a change ends by itself, epoch ms of the database; None: it does not."""
    until = change.get("until_ms") if isinstance(change, Mapping) else None
    return until if isinstance(until, int) else None


def _plain(change: Any) -> Any:
    return change.get("value") if isinstance(change, Mapping) else change


def timed(changes: Changes, until_ms: int) -> Changes:
    """The checked changes as ones that end by themselves. Raises BadInput for any but the premium band."""
    if others := [name for name in changes if name != BAND]:
        raise BadInput(f"--hours is for {BAND} alone; set {', '.join(others)} without it")
    return {name: {"value": value, "until_ms": until_ms} for name, value in changes.items()}


def checked(configured: Settings, changes: Changes, *, ending: bool = False) -> dict[str, Any]:
    """The changes as they are stored, `ending` ones still without their end. Raises BadInput with all that is wrong in
    one line.
    """
    asked, within = _changed(configured, changes), bounds(configured, changes if ending else ())
    beyond = [
        f"{name}: {as_typed(value)} is not allowed; it may be {within[name].words}"
        for name in changes
        if within[name].nearest(value := value_of(asked, name)) != value
    ]
    if beyond:
        raise BadInput("; ".join(beyond))
    stored = {"trading": asked.trading.model_dump(mode="json"), "caps": asked.caps.model_dump(mode="json")}
    return {name: stored[table][field] for name in changes for table, _, field in [name.partition(".")]}


def unchangeable(names: Sequence[str]) -> BadInput:
    """The refusal to change these."""
    strange = [name for name in names if not _exists(name)]
    text = ", ".join(name[:LONGEST_NAME] for name in strange[:MOST_NAMES])
    refused = [f"{text}: there is no such setting"] if strange else []
    if fixed := [name for name in names if name not in strange]:
        refused.append(f"{', '.join(fixed)}: can't be changed at run time")
    return BadInput(f"{'; '.join(refused)}; {', '.join(NAMES)} can be changed")


def _exists(name: str) -> bool:
    head, *below = name.split(".")
    field = Settings.model_fields.get(head)
    return field is not None and (not below or below[0] in getattr(field.annotation, "model_fields", {}))


def value_of(settings: Settings, name: str) -> Any:
    """The value of a setting that may be changed."""
    table, _, field = name.partition(".")
    return getattr(getattr(settings, table), field)


def as_typed(value: Any) -> str:
    """As a person would type it."""
    if (until_ms := ends_ms(value)) is not None:
        end = datetime.fromtimestamp(until_ms / 1000, UTC)
        return f"{as_typed(_plain(value))} until {end:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, list | tuple):
        return ",".join(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _changed(configured: Settings, changes: Changes) -> Settings:
    """Validated by the configuration's own classes."""
    if unknown := [name for name in changes if name not in NAMES]:
        raise unchangeable(unknown)
    tables = {"trading": configured.trading.model_dump(), "caps": configured.caps.model_dump()}
    for name, value in changes.items():
        table, _, field = name.partition(".")
        tables[table][field] = value
    problems: list[str] = []
    fresh: dict[str, TradingSettings | CapSettings] = {}
    for table, kind in (("trading", TradingSettings), ("caps", CapSettings)):
        try:
            fresh[table] = kind.model_validate(tables[table])
        except ValidationError as error:
            problems += [
                f"{'.'.join([table, *map(str, detail['loc'])])}: {sentence(detail)}"
                for detail in error.errors(include_input=False, include_url=False)
            ]
    if problems:
        raise BadInput("; ".join(problems))
    return configured.model_copy(update=fresh)

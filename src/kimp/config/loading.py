"""From the sources to a validated object, or to one error that lists everything that is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kimp.config.settings import Settings, Sourced
from kimp.config.sources import MergedSources, read_sources
from kimp.config.switches import read_switches
from kimp.config.wording import sentence
from kimp.domain.errors import BadConfig

LONGEST_LINE = 500
MOST_SHOWN = 30
"""Problems of one configuration: whoever gave a wrong file sees that, and not a screen for each line of it."""
S = TypeVar("S", bound=Sourced)


class ConfigProblems(BadConfig):
    """Everything that is wrong with a configuration, one line each, with the source of each and without any value."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        many = len(self.problems) != 1
        head = f"bad configuration, {len(self.problems)} problems:\n  " if many else "bad configuration: "
        more = len(self.problems) - MOST_SHOWN
        shown = [
            line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 100]} … {line[-100:]}"
            for line in self.problems[:MOST_SHOWN]
        ]
        shown += [f"and {more} more"] if more > 0 else []
        super().__init__(head + "\n  ".join(shown))


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """Settings, and where each of them came from."""

    settings: S
    reading: MergedSources

    def origin(self, *path: str) -> str:
        return self.reading.origin(path) or "default"


def load(environment: str | None = None) -> Settings:
    """Read and validate kimp's own settings; see `load_with_origins`."""
    return load_with_origins(Settings, environment).settings


def load_with_origins(kind: type[S], environment: str | None = None) -> Loaded[S]:
    """Ask all sources; `environment` goes before KIMP_ENVIRONMENT. Raises ConfigProblems."""
    return _validated(kind, read_sources(kind, read_switches(environment)))


def settings_of(tree: Mapping[str, Any], source: str) -> Settings:
    """Of these tables and values alone, which came from one source. Raises ConfigProblems."""
    reading = MergedSources()
    reading.add(source, tree)
    return _validated(Settings, reading).settings


def _validated(kind: type[S], reading: MergedSources) -> Loaded[S]:
    problems, settings = list(reading.problems), None
    try:
        settings = kind(**reading.values)
    except ValidationError as error:
        problems += [_problem(detail, reading) for detail in error.errors(include_input=False, include_url=False)]
    if problems or settings is None:
        raise ConfigProblems(problems) from None
    return Loaded(settings, reading)


def _problem(detail: ErrorDetails, reading: MergedSources) -> str:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    reported = path[:-1] if detail["type"] == "missing" else path
    place = f"{'.'.join(path)}: " if path else ""  # a rule of two tables has no one place
    return f"{place}{sentence(detail)} ({reading.origin(reported) or 'default'})"

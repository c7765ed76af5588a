"""What each source says, put together: the first that has a value wins, and it is known which one that was."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_settings import SecretsSettingsSource, SettingsError

from kimp.config.settings import Sourced
from kimp.config.switches import ENV_FILE, Switches
from kimp.config.variables import Arguments, DotEnv, EnvironmentVariables, SecretFiles, Variables
from kimp.domain.errors import BadConfig

TOML_FILE = Path("kimp.toml")
Names = tuple[str, ...]
SourceValues = tuple[Mapping[str, Any], list[str]]
"""What a source says, and the names in it that belong to nothing."""


@dataclass
class MergedSources:
    """All sources together."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Names, str] = field(default_factory=dict)
    """Path of a setting, in lower case -> the source that it came from. Defaults are not in it."""
    problems: list[str] = field(default_factory=list)

    def add(self, label: str, values: Mapping[str, Any]) -> None:
        """Of a source that comes after all that were added before: what those have said stays."""
        self._add(label, self.values, values, ())

    def _add(self, label: str, into: dict[str, Any], values: Mapping[str, Any], above: Names) -> None:
        for name, value in values.items():
            path = (*above, str(name).lower())
            if isinstance(value, dict) and value:
                there = into.setdefault(name, {})
                if isinstance(there, dict):
                    self._add(label, there, value, path)
            elif name not in into:
                into[name] = value
                self.origins[path] = label

    def origin(self, path: Names) -> str | None:
        """Which source a setting, a table around it, or what is in it came from. None: from none of them."""
        wanted = tuple(part.lower() for part in path)
        for end in range(len(wanted), 0, -1):
            if wanted[:end] in self.origins:
                return self.origins[wanted[:end]]
        inside = dict.fromkeys(label for known, label in self.origins.items() if known[: len(wanted)] == wanted)
        return ", ".join(inside) or None


def read_sources(kind: type[Sourced], switches: Switches) -> MergedSources:
    """Every source is asked, also after one failed, so that all problems are told at once."""
    reading = MergedSources()
    for label, read in _sources(kind, switches):
        try:
            found, unknown = read()
        except BadConfig as error:
            reading.problems.append(str(error))
        except (OSError, ValueError, RecursionError, SettingsError) as error:
            reading.problems.append(f"{label}: {_message_of(error)}")
        else:
            reading.problems += [f"{name}: there is no such setting ({label})" for name in unknown]
            reading.add(label, found)
    return reading


def _sources(kind: type[Sourced], switches: Switches) -> Iterator[tuple[str, Callable[[], SourceValues]]]:
    """All that are switched on, in order. Nothing is read before the function is called."""
    yield "arguments", lambda: _variables(Arguments(kind, switches.arguments))
    yield "environment", lambda: _variables(EnvironmentVariables(kind))
    if switches.secrets_dir is not None:
        yield "secrets file", partial(_secret_files, kind, switches.secrets_dir)
    yield ENV_FILE, lambda: _variables(DotEnv(kind, env_file=ENV_FILE, dotenv_filtering="only_existing"))
    for path, wanted_by in _toml_files(switches):
        yield path.name, partial(_toml, kind, path, wanted_by)
    if switches.parameter_store is not None:
        yield "parameter store", partial(_parameter_store, kind, switches.parameter_store)
    if switches.vault_addr is not None:
        yield "vault", partial(_vault, kind, switches)


def _variables(source: Variables) -> SourceValues:
    return source(), source.unknown_names()


def _secret_files(kind: type[Sourced], folder: Path) -> SourceValues:
    plain = SecretsSettingsSource(kind)
    return _variables(SecretFiles(plain, secrets_dir=folder, secrets_dir_missing="error", secrets_prefix=""))


def _toml_files(switches: Switches) -> Iterator[tuple[Path, str | None]]:
    """Each with what wants it, if it must be there."""
    base = switches.config or TOML_FILE
    if switches.environment is not None:
        own = base.with_name(f"{base.stem}.{switches.environment}{base.suffix}")
        yield own, f"the environment {switches.environment!r} wants it, if only an empty one"
    yield base, "KIMP_CONFIG names it" if switches.config else None


def _toml(kind: type[Sourced], path: Path, wanted_by: str | None) -> SourceValues:
    if path.is_dir():
        raise BadConfig(f"{path}: is a folder, where a TOML file is looked for")
    if wanted_by is not None and not path.is_file():
        raise BadConfig(f"{path}: there is no such file, and {wanted_by}")
    # Notepad writes a mark before the first letter, which TOML's grammar does not know.
    reported = tomllib.loads(path.read_bytes().decode("utf-8-sig")) if path.is_file() else {}
    known = {name: value for name, value in reported.items() if name in kind.model_fields}
    return known, sorted(reported.keys() - known.keys() - kind.read_by_others)


def _parameter_store(kind: type[Sourced], path: str) -> SourceValues:
    try:
        from kimp.config.parameter_store import open_parameter_store  # noqa: PLC0415 - boto3 is large, and optional
    except ImportError:
        raise BadConfig(f"parameter store {path}: boto3 is not installed; install kimp with `--extra aws`") from None
    return _variables(open_parameter_store(kind, path))


def _vault(kind: type[Sourced], switches: Switches) -> SourceValues:
    try:
        from kimp.config.vault import open_vault  # noqa: PLC0415 - hvac is optional
    except ImportError:
        raise BadConfig("vault: hvac is not installed; install kimp with `--extra vault`") from None
    return _variables(open_vault(kind, switches))


def _message_of(error: Exception) -> str:
    """Without the bytes that could not be read: they may be a secret."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}; save it as UTF-8"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or type(error).__name__})"
    if isinstance(error, RecursionError) or "set_int_max_str_digits" in str(error):
        return "a number or a table in it is longer than any setting; mend the file"
    return str(error)

"""Sources that hold names and texts: arguments, environment, `.env`, secrets files, Parameter Store, Vault."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, NestedSecretsSettingsSource

from kimp.config.settings import Sourced
from kimp.config.switches import Switches


class Variables(EnvSettingsSource):
    """Mixed in before one of pydantic-settings' own sources."""

    not_settings: ClassVar[tuple[str, ...]] = ()
    """Beginnings of names that are somebody else's."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Text that is no JSON goes on as it is: validation then names it, along with all that is wrong elsewhere.

        A list may be written without JSON: `XRP,SOL`.
        """
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            if isinstance(value, str) and _is_list(field.annotation) and not value.lstrip().startswith(("[", "{")):
                return [part.strip() for part in value.split(",")]
            return value

    def unknown_names(self) -> list[str]:
        """Names that no setting answers to, as they are written there."""
        return [self.written(name) for name in self.env_vars if not self._known(name)]

    def written(self, name: str) -> str:
        return name

    def is_setting(self, name: str) -> bool:
        """Whether a name is one that ought to be a setting; the others are dropped without a word."""
        own = name.removeprefix(self._prefix)
        theirs = own in Switches.model_fields or own.startswith(self.not_settings or ("\0",))
        return name.startswith(self._prefix) and not theirs

    @property
    def _prefix(self) -> str:
        return self._apply_case_sensitive(self.env_prefix)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: value for name, value in super()._load_env_vars().items() if self.is_setting(name)}

    def _known(self, name: str) -> bool:
        kind = self.settings_cls
        head, nested, _ = name.removeprefix(self._prefix).partition(str(self.env_nested_delimiter))
        if issubclass(kind, Sourced) and head in kind.read_by_others:
            return True
        field = kind.model_fields.get(head)
        return field is not None and (not nested or _is_table(field.annotation))


class Arguments(Variables):
    """`--set NAME=VALUE`, with dots between table and name, as in the messages."""

    def __init__(self, kind: type[Sourced], given: Mapping[str, str]) -> None:
        self._given = given
        super().__init__(kind)

    def written(self, name: str) -> str:
        return name.removeprefix(self._prefix).replace(str(self.env_nested_delimiter), ".")

    def _load_env_vars(self) -> Mapping[str, str | None]:
        below = str(self.env_nested_delimiter)
        return {self._prefix + name.lower().replace(".", below): text for name, text in self._given.items()}


class EnvironmentVariables(Variables):
    """`KIMP_...`, nested with `__`."""

    not_settings: ClassVar = ("temporal_cli", "crash_points", "test_")
    """What tools and tests read."""

    def written(self, name: str) -> str:
        return name.upper()


class DotEnv(EnvironmentVariables, DotEnvSettingsSource):
    """The same names in a file, whose other names are other programs'."""


class SecretFiles(Variables, NestedSecretsSettingsSource):
    """A file per setting, named like the variables without `KIMP_`. Folders in there are other programs'."""

    def is_setting(self, name: str) -> bool:
        return os.sep not in name and super().is_setting(name)


def _is_list(annotation: Any) -> bool:
    """Of several values, optional or not."""
    return any(get_origin(part) in {tuple, list} for part in (annotation, *get_args(annotation)))


def _is_table(annotation: Any) -> bool:
    """A section or a `dict`, optional or not."""
    inner = [annotation, *get_args(annotation)]
    return any(isinstance(part, type) and issubclass(part, BaseModel | dict) for part in inner)

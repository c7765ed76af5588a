"""The settings as a document: the second half of `docs/configuration.md`, made from the classes and their texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from kimp.config.settings import Settings
from kimp.config.switches import Switches

MARKER = "<!-- From here on made by `kimp config docs`: change the texts in the code instead. -->"
KINDS = {
    bool: "true or false",
    int: "whole number",
    Decimal: "number",
    Path: "path",
    str: "text",
    SecretStr: "**secret**",
}
SIGNS = {Gt: ("gt", ">"), Ge: ("ge", ">="), Lt: ("lt", "<"), Le: ("le", "<=")}


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting."""

    path: tuple[str, ...]
    kind: str
    default: str
    meaning: str

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        return "KIMP_" + "__".join(self.path).upper()


def entries(kind: type[BaseModel], default: BaseModel | None, above: tuple[str, ...] = ()) -> Iterator[SettingDoc]:
    """All settings below a class, in its order."""
    for name, field in kind.model_fields.items():
        inner, path = _without_none(field.annotation), (*above, name)
        value = None if default is None else getattr(default, name)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from entries(inner, value, path)
        else:
            yield SettingDoc(path, _kind(inner, field), _shown(value), meaning(kind, name))


def meaning(kind: type[BaseModel], name: str) -> str:
    """The text below the field, or that of the class that it is inherited from."""
    fields = (base.model_fields.get(name) for base in kind.__mro__ if issubclass(base, BaseModel))
    texts = [field.description for field in fields if field is not None and field.description]
    return " ".join(texts[0].split()) if texts else ""


def document() -> str:
    """Everything below the marker."""
    top = [entry for entry in entries(Settings, Settings()) if len(entry.path) == 1]
    blocks = ["## All settings", "### At the top", _table(top)]
    for name, field in Settings.model_fields.items():
        kind = _without_none(field.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            blocks += [f"### `[{name}]`", " ".join((kind.__doc__ or "").split())]
            blocks.append(_table(entries(kind, getattr(Settings(), name), (name,))))
    switches = entries(Switches, Switches.model_construct())
    blocks += ["### Where settings come from", "Variables of the environment and of `.env` only.", _table(switches, "")]
    return "\n\n".join(blocks) + "\n"


def _table(rows: Iterable[SettingDoc], setting: str = "setting | ") -> str:
    """`setting`: the heading of the first column; empty for variables that are no settings."""
    lines = [f"| {setting}variable | kind | default | meaning |", f"|{'---|' * (5 if setting else 4)}"]
    for row in rows:
        name = f"`{row.name}` | " if setting else ""
        default = f"`{row.default}`" if row.default else "-"
        lines.append(f"| {name}`{row.variable}` | {row.kind} | {default} | {row.meaning} |")
    return "\n".join(lines)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, UnionType}:
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return _without_metadata(parts[0]) if len(parts) == 1 else annotation
    return annotation


def _without_metadata(annotation: Any) -> Any:
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _kind(annotation: Any, field: FieldInfo) -> str:
    if get_origin(annotation) is tuple:
        return "list"
    if get_origin(annotation) is dict:
        return "table"
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(annotation)
    limits = [
        f"{sign} {getattr(limit, attribute)}"
        for limit in field.metadata
        for kind, (attribute, sign) in SIGNS.items()
        if isinstance(limit, kind)
    ]
    name = KINDS.get(annotation) or str(getattr(annotation, "__name__", annotation))
    return " ".join([name, ", ".join(limits)]).strip()


def _shown(value: Any) -> str:
    """As it is written in TOML; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()  # a default is in the source code for everybody to read
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{coin} = {text}" for coin, text in value.items())
    return str(value)

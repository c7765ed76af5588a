"""A configuration written for a person who goes on by hand."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kimp.domain.errors import BadInput

HEAD = """\
# Written by `kimp init`. Every setting with its meaning: `kimp config example`. What is in force: `kimp config show`.
"""


def toml_of(tree: Mapping[str, Any]) -> str:
    """Tables of tables, texts, numbers and lists of texts."""
    return HEAD + "".join(_table(tree, ()))


def _table(tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    values = {name: value for name, value in tree.items() if not isinstance(value, Mapping)}
    if values:
        yield f"\n[{'.'.join(path)}]\n" if path else "\n"
    for name, value in values.items():
        yield f"{name} = {json.dumps(value, ensure_ascii=False)}\n"  # of these, JSON's form is TOML's too
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _table(value, (*path, name))


def require_new(file: Path) -> None:
    """Raises BadInput for one that is there already."""
    if file.exists():
        raise BadInput(f"{file} is there already; --replace writes it anew, or name another file with --into")


def write_private(file: Path, text: str) -> None:
    """For its owner alone, whole or not at all. Raises BadInput where it can't be."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
        new.replace(file)
    except OSError as error:
        raise BadInput(f"cannot write {file} ({error.strerror}); name another file with --into") from None

"""Wrong lines of the money path, chosen by hand: each with what it breaks and the test that must notice."""

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "handmade"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` becomes `new` inside one function, wherever in its file that stands."""

    name: str
    breaks: str
    where: str
    """`file::Class.function`, or a file alone."""
    old: str
    new: str
    caught_by: str
    """A node id of pytest."""

    @property
    def file(self) -> str:
        return self.where.partition("::")[0]

    @property
    def test_file(self) -> str:
        return self.caught_by.partition("::")[0]

    @property
    def test_name(self) -> str:
        """Without its parameters."""
        return self.caught_by.partition("[")[0].rpartition("::")[2]

    def broken(self, source: str) -> str:
        """The file's text with the wrong line in it. Raises ValueError where that does not stand once in its place."""
        lines = source.splitlines(keepends=True)
        first, last = _span(source, self.where.partition("::")[2])
        place = "".join(lines[first:last])
        if (times := place.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.where} has {times} times {self.old!r}")
        return "".join(lines[:first]) + place.replace(self.old, self.new) + "".join(lines[last:])


def _span(source: str, name: str) -> tuple[int, int]:
    """The lines of a function by its qualified name, decorators included; of the whole file for no name."""
    node: ast.AST = ast.parse(source)
    if not name:
        return 0, len(source.splitlines())
    for part in name.split("."):
        found = [child for child in ast.walk(node) if child is not node and getattr(child, "name", None) == part]
        if not found:
            raise ValueError(f"there is no {name}")
        node = found[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    assert node.end_lineno is not None
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first - 1, node.end_lineno


def all_mutants() -> list[Mutant]:
    files = sorted(FOLDER.glob("*.toml"))
    return [Mutant(name, **fields) for file in files for name, fields in tomllib.loads(file.read_text()).items()]

"""All small breaks of the money path: mutmut's operators, applied where they mean something.

Only the operators are mutmut's. Its own runner leaves out every decorated function, which here are all activities and
workflows, and its switches inside of functions do not survive the sandbox that workflows are loaded in.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import libcst as cst
from architecture.project import ROOT
from libcst import matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_number

PACKAGES = {
    "workflows": "workflows",
    "activities": "activities",
    "domain": "src/kimp/domain",
    "sql": "src/kimp/adapters/sql",
    "upbit": "src/kimp/adapters/upbit",
    "binance": "src/kimp/adapters/binance",
    "venue": "src/kimp/adapters/venue",
}
LOGGERS = m.Name("log") | m.Name("logger") | m.Attribute(attr=m.Name("logger"))
UNTOUCHED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
UNTOUCHED_CALLS = m.Call(
    func=m.Name("TypeVar") | m.Name("isinstance") | m.Name("len") | m.Name("crash_point") | m.Attribute(value=LOGGERS),
)
"""Types, imports, what is only logged, where chaos kills: no break there is one of what kimp does with money."""
UNTOUCHED_TYPES = m.Assign(value=m.Call(func=m.Name("TypeVar")))
"""Nobody reads them while kimp runs."""
NAMED_FOR_READERS = m.Call(func=m.Name("cast") | m.Name("ContextVar") | m.Name("NewType"))
"""Their first argument is a name or a type in quotes, and no more than that."""
UNTOUCHED_WORDS = m.Arg(keyword=m.Name("gc") | m.Name("strict"))
"""What only makes quicker, or asserts."""
MEASURE = 20

Operator = Callable[[Any], Iterable[cst.CSTNode]]
Positions = Mapping[cst.CSTNode, CodeRange]


@dataclass(frozen=True)
class Break:
    """One changed node of one file."""

    package: str
    file: str
    """Relative to the project."""
    lines: range
    """Those of the statement that it stands in: coverage knows a statement by its first line."""
    kind: str
    tree: cst.Module
    node: cst.CSTNode
    instead: cst.CSTNode

    @cached_property
    def code(self) -> str:
        """The whole file, broken."""
        # The same module as it was parsed, so that a node is found by identity.
        changed = self.tree.deep_replace(self.node, self.instead)
        assert isinstance(changed, cst.Module)
        return changed.code

    @cached_property
    def changed(self) -> str:
        """The lines that differ, with - and +. With the file it is the break's name, as line numbers move."""
        lines = difflib.unified_diff(self.tree.code.splitlines(), self.code.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

    @property
    def name(self) -> str:
        return f"{self.file}\n{self.changed}"

    @property
    def place(self) -> str:
        """The same text may stand in a file twice."""
        return f"{self.lines.start}\n{self.name}"


def all_breaks() -> dict[str, list[Break]]:
    """By package, in the order of the text."""
    return {package: list(_of_package(package, folder)) for package, folder in PACKAGES.items()}


def breaks_of(code: str, package: str = "", file: str = "") -> list[Break]:
    wrapper = MetadataWrapper(cst.parse_module(code))
    positions = wrapper.resolve(PositionProvider)
    return [
        Break(package, file, lines, operator.__name__.removeprefix("operator_"), wrapper.module, node, instead)
        for node, lines in _nodes(wrapper.module, positions, range(0))
        for kind, operator in OPERATORS
        if isinstance(node, kind)
        for instead in operator(node)
        if _keeps_words(node, instead)
    ]


def left_out_element(node: cst.List | cst.Set | cst.Tuple) -> Iterable[cst.CSTNode]:
    """mutmut has none of it: a status, a fault or a tag that is missing in a list of them."""
    if len(node.elements) > 1:
        for i in range(len(node.elements)):
            kept = [*node.elements[:i], *node.elements[i + 1 :]]
            yield node.with_changes(elements=[element.with_changes(comma=cst.Comma()) for element in kept])


def left_out_call(node: cst.Expr) -> Iterable[cst.CSTNode]:
    """Nor of this: what is not done at all."""
    if m.matches(node.value, m.Call() | m.Await()):
        yield node.with_changes(value=cst.Ellipsis())


def number(node: cst.BaseNumber) -> Iterable[cst.CSTNode]:
    """A large one is a measure, of which one more is nothing that anybody could notice; mutmut adds one to each."""
    if isinstance(node, cst.Integer | cst.Float) and node.evaluated_value >= MEASURE:
        yield node.with_changes(value=repr(10 * node.evaluated_value))
    else:
        yield from operator_number(node)


OPERATORS: list[tuple[type, Operator]] = [
    *((kind, operator) for kind, operator in mutation_operators if operator is not operator_number),
    (cst.BaseNumber, number),
    (cst.List, left_out_element),
    (cst.Set, left_out_element),
    (cst.Tuple, left_out_element),
    (cst.Expr, left_out_call),
]


def _of_package(package: str, folder: str) -> Iterator[Break]:
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py"))
    for file in files:
        yield from breaks_of((ROOT / file).read_text(), package, file)


def _nodes(node: cst.CSTNode, positions: Positions, lines: range) -> Iterator[tuple[cst.CSTNode, range]]:
    """Each node that may be broken, with the lines of its statement."""
    if isinstance(node, UNTOUCHED) or _is_prose(node) or m.matches(node, UNTOUCHED_WORDS | UNTOUCHED_TYPES):
        return
    if isinstance(node, cst.Call | cst.Expr) and m.matches(node, UNTOUCHED_CALLS | m.Expr(UNTOUCHED_CALLS)):
        return
    if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
        lines = _head(node, positions)
    yield node, lines
    children = node.args[1:] if isinstance(node, cst.Call) and m.matches(node, NAMED_FOR_READERS) else node.children
    for child in children:
        yield from _nodes(child, positions, lines)


def _keeps_words(node: cst.CSTNode, instead: cst.CSTNode) -> bool:
    """Those of a call that are left alone."""
    if not isinstance(node, cst.Call) or not isinstance(instead, cst.Call):
        return True
    kept = {id(argument) for argument in instead.args}
    return all(id(argument) in kept for argument in node.args if m.matches(argument, UNTOUCHED_WORDS))


def _head(statement: cst.CSTNode, positions: Positions) -> range:
    """Its lines without its body's, which are reached less often."""
    body = getattr(statement, "body", None)
    end = positions[body].start.line if isinstance(body, cst.IndentedBlock) else positions[statement].end.line + 1
    return range(positions[statement].start.line, end)


def _is_prose(node: cst.CSTNode) -> bool:
    """A text for people: docstrings, and what errors say."""
    return isinstance(node, cst.BaseString) and " " in _text(node)


def _text(node: cst.BaseString) -> str:
    if isinstance(node, cst.SimpleString):
        return node.value
    if isinstance(node, cst.ConcatenatedString):
        return _text(node.left) + _text(node.right)
    return ""

"""One public name stands for one thing: whoever searches for it finds one definition, or forms of the same thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from architecture.project import trees

VENUES = ("upbit", "binance")
TRANSLATORS = {
    f"src/kimp/{side}/{module}.py"
    for side, modules in {"adapters/venue": ("parse", "rulebook"), "paper/venue": ("render", "rules", "frames")}.items()
    for module in modules
}
"""Their functions are named after what they read from a venue's JSON, or write into it."""
USE_CASES = ("src/kimp/cli/", "src/kimp/bootstrap/", "src/kimp/operations/", "src/kimp/backtest/")
"""A use case keeps its name from the command that a person types to the function that does it."""
TYPE_PARAMETERS = {"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"}
THE_SAME_THING = {
    "exact": "the paper exchange calculates by itself, so as to share no mistake with the trader that it audits",
    "plain": "as `exact`",
    "CONTEXT": "as `exact`",
    "ZERO": "as `exact`",
    "KRW": "as `exact`",
    "USDT": "as `exact`",
    "code_of": "what both venues' modules of that name are built on",
    "main": "of a program",
}
DIALECT = re.compile(
    r"(?<![a-z])(tells?|told|telling|says?|said|saying|hears?|heard|hearing|speaks?|talks?)(?![a-z])", re.IGNORECASE
)
"""Code logs, reports, receives, raises. Who needs one of these words for it has not said what happens."""
STORED = {"told", "stop_heard"}
STORING = {"src/kimp/contracts/progress.py", "workflows/life.py"}
"""Fields of what a running workflow goes on with (`contracts.progress`)."""


def test_names_are_words_of_the_field() -> None:
    found = {
        f"{file}: {name}"
        for file, tree in trees("src", "workflows", "activities", "feeder", "initiator", "tests", "bench")
        for name in set(_identifiers(tree))
        if DIALECT.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) and not (name in STORED and file in STORING)
    }
    assert not found, "log, report, write, receive, raise, or what else the code does"


def test_one_name_stands_for_one_thing() -> None:
    twice = {name: sorted(found) for name, found in _places().items() if len(found) > 1 and name not in THE_SAME_THING}
    assert not twice, "call one of them by another word, or use the other one's definition"


def test_each_exception_is_one() -> None:
    assert not [name for name in THE_SAME_THING if len(_places()[name]) < 2]


@cache
def _places() -> defaultdict[str, set[str]]:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for name, place in _public():
        places[name].add(place)
    return places


def _identifiers(tree: ast.Module) -> Iterator[str]:
    """All that somebody gave a name to, but for tests: their names are sentences."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if not name.startswith("test_"):
                    yield name
            case ast.ExceptHandler(name=str(name)):
                yield name


def _public() -> Iterator[tuple[str, str]]:
    """Each public name and where it is defined; forms of the same thing have the same place."""
    code = [(file, tree) for file, tree in trees() if "/migrations/" not in file]
    imported = {
        (node.module, alias.name)
        for _, tree in code
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for file, tree in code:
        module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
        for node in tree.body:
            for name in _defined(node):
                if name.startswith("_"):
                    continue
                if name.isupper() or (isinstance(node, ast.Assign | ast.AnnAssign) and name.islower()):
                    # A constant is public where others use it.
                    if (module, name) in imported:
                        yield name, _place(file, node)
                else:
                    yield name, _place(file, node)


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign) and not _is_type_parameter(node.value):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _is_type_parameter(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in TYPE_PARAMETERS


def _place(file: str, node: ast.stmt) -> str:
    for venue in VENUES:
        file = file.replace(f"/{venue}/", "/venue/")
    if file in TRANSLATORS:
        return "what is read from a venue's JSON, or written into it"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and file.startswith(USE_CASES):
        return "a use case, from its command on"
    return file

"""A break put into modules that are loaded already: the code of their functions, in place."""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import CO_OPTIMIZED
from types import CodeType, FunctionType


class NotInPlace(Exception):
    """The break is of what runs when its module is loaded, or of nothing that can be found."""


def functions_by_file() -> Mapping[str, Sequence[FunctionType]]:
    """Of all that is loaded."""
    functions: defaultdict[str, list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if type(one) is FunctionType:  # others may answer for a class that they are not of
            functions[one.__code__.co_filename].append(one)
    return functions


def put_in_place(functions: Iterable[FunctionType], file: str, before: str, after: str) -> None:
    """Each of the file's functions does from now on what it does in the changed text."""
    changed = dict(_changed(compile(before, file, "exec"), compile(after, file, "exec")))
    found = [one for one in functions if one.__code__ in changed]
    if not found:
        raise NotInPlace
    for function in found:
        try:
            function.__code__ = changed[function.__code__]
        except ValueError as reason:  # it closes over other names than before
            raise NotInPlace from reason


def _changed(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Functions, with those inside of them: a decorator has made its inner one long ago."""
    if before == after:
        return
    if before.co_flags & CO_OPTIMIZED:
        yield before, after
    elif _without_functions(before) != _without_functions(after):
        raise NotInPlace
    for one, other in zip(_inner(before), _inner(after), strict=False):
        yield from _changed(one, other)


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _without_functions(code: CodeType) -> CodeType:
    return code.replace(co_consts=tuple(one for one in code.co_consts if not isinstance(one, CodeType)))

"""Settings as words of a command line."""

from collections.abc import Iterable

from kimp.domain.errors import BadInput

LONGEST_SHOWN = 60


def pairs_of(arguments: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE`, as `--set` and `kimp settings set` take it; the value of `NAME=` is empty. Raises BadInput."""
    found: dict[str, str] = {}
    for argument in arguments:
        name, equals, text = (part.strip() for part in argument.partition("="))
        if not (name and equals) or name in found:
            raise BadInput(
                f"{argument[:LONGEST_SHOWN]!r}: write each setting once, as NAME=VALUE, e.g. trading.threshold=0.006"
            )
        found[name] = text
    return found

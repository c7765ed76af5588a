"""Foreign text before people see it: venues, notes, coins and file names may hold what steers a terminal."""

import json
import sys


def clean(text: str) -> str:
    """Control and other invisible signs as they are written in Python; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text)


def clean_line(text: str) -> str:
    """The same for what must stay one line: a line end of a stranger would begin a line that looks like ours."""
    return clean(text).replace("\n", "\\n")


def clean_json(document: str) -> str:
    """The same for a JSON document, which stays the same document: outside of its strings there are line ends only."""
    if document.isprintable():
        return document
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in document)


def write_line(text: str) -> None:
    """One plain line, or several, on standard output."""
    sys.stdout.write(f"{clean(text)}\n")
    sys.stdout.flush()  # some tell what takes minutes

"""Foreign text before people see it: venues, notes, coins and file names may hold what steers a terminal."""


def clean(text: str) -> str:
    """Control and other invisible signs as they are written in Python; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text)

"""What tables of the settings are made of."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr


def matching(pattern: str, words: str) -> AfterValidator:
    """A text of this shape; `words` say it to people, who are not shown the pattern."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(words)
        return text

    return AfterValidator(check)


def all_hold(*rules: tuple[bool, str]) -> None:
    """Raises ValueError with the words of each rule that does not hold: whoever mends one wants to see the others."""
    if broken := [words for holds, words in rules if not holds]:
        raise ValueError("; ".join(broken))


CoinName = Annotated[str, matching("[A-Z0-9]{1,12}", "write a coin's symbol in capitals, e.g. XRP")]


def _upper(name: object) -> object:
    """Names of environment variables come in lower case."""
    return name.upper() if isinstance(name, str) else name


Word = Annotated[str, matching(r"\S+", "it may neither be empty nor have a blank in it")]
"""A slip of the hand would leave either."""


def _key(secret: SecretStr) -> SecretStr:
    """What copying leaves in a key makes a request that no venue, or no library, understands."""
    if not re.fullmatch(r"[!-~]{1,1024}", text := secret.get_secret_value()):
        raise ValueError(
            "it is empty; put the key in, or leave the setting out"
            if not text
            else "it has a blank, a line break, an invisible or a foreign sign in it; copy it anew"
        )
    if text[0] in QUOTES or text[-1] in QUOTES:
        raise ValueError("it has quotes around it; leave them out")
    return secret


QUOTES = "\"'`"
ApiKeyText = Annotated[SecretStr, AfterValidator(_key)]
"""A secret as a venue or a server gives it out."""
RestUrl = Annotated[str, matching(r"https?://[^\s/]\S*", "write it as http://host or https://host")]
SocketUrl = Annotated[str, matching(r"wss?://[^\s/]\S*", "write it as ws://host or wss://host")]
ByCoin = dict[Annotated[CoinName, BeforeValidator(_upper)], Word]


class Section(BaseModel):
    """A table of the settings. The text below a field is its description in `docs/configuration.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

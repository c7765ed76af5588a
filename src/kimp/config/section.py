"""What tables of the settings are made of."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

CoinName = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


def _upper(name: object) -> object:
    """Names of environment variables come in lower case."""
    return name.upper() if isinstance(name, str) else name


Word = Annotated[str, Field(pattern=r"^\S+$")]
"""Neither empty nor with a blank in it, as a slip of the hand would leave it."""
ByCoin = dict[Annotated[CoinName, BeforeValidator(_upper)], Word]


class Section(BaseModel):
    """A table of the settings. The text below a field is its description in `docs/configuration.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

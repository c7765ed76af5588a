"""The base of every message that Temporal stores."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Frozen and strict about unknown fields: a renamed field fails a replay instead of vanishing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

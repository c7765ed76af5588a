"""The base of every message that Temporal stores."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Frozen and strict about unknown fields: a renamed field fails a replay instead of vanishing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Strict as well, where pydantic would keep a name that is no field, and the field as it was."""
        if unknown := (update or {}).keys() - type(self).model_fields.keys():
            raise ValueError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        return super().model_copy(update=update, deep=deep)

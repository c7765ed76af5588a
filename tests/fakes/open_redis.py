"""kimp's own Redis for tests that plant, look at and break more than kimp itself may."""

from pathlib import Path
from typing import ClassVar

from kimp.adapters.embedded.redis import PASSWORD_FILE, EmbeddedRedis


class OpenRedis(EmbeddedRedis):
    """Its URL is known before it serves, and who has that may do anything."""

    rights: ClassVar[str] = "~* &* +@all"

    def __init__(self, data_dir: Path, *, port: int | None = None, password: str | None = None) -> None:
        super().__init__(data_dir, port=port)
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / PASSWORD_FILE).write_text(password or "known")

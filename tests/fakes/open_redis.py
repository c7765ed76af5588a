"""kimp's own Redis for tests that plant, look at and break more than kimp itself may."""

from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from kimp.adapters.embedded.process import LOOPBACK
from kimp.adapters.embedded.redis import PASSWORD_FILE, EmbeddedRedis

KNOWN = "known"


class OpenRedis(EmbeddedRedis):
    """Its URL is known before it serves, and who has that may do anything."""

    rights: ClassVar[str] = "~* &* +@all"

    def __init__(self, data_dir: Path, *, port: int | None = None, password: str = KNOWN) -> None:
        super().__init__(data_dir, port=port)
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / PASSWORD_FILE).write_text(password)


class GovernedRedis(EmbeddedRedis):
    """kimp has the rights that it always has, and somebody beside it may do anything."""

    rights: ClassVar[str] = (
        f"{EmbeddedRedis.rights}\nuser governor on #{sha256(KNOWN.encode()).hexdigest()} {OpenRedis.rights}"
    )

    @property
    def governors_url(self) -> str:
        return f"redis://governor:{KNOWN}@{LOOPBACK}:{self.port}/0"

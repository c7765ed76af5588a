"""What `make cluster` needs, where it is missing."""

from pathlib import Path

import pytest
from cluster.programs import ensure_programs

from kimp.domain.errors import BadConfig


async def test_what_is_missing_and_how_to_get_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither MariaDB nor apt-get
    with pytest.raises(
        BadConfig, match=r"mariadb-server.* missing; install with: sudo apt-get install .*mariadb-server"
    ):
        await ensure_programs(lambda _: None)

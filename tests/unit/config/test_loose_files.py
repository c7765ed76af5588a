"""Files with secrets that anybody may change are told as a risk."""

from pathlib import Path

import pytest

from kimp.config.loose_files import loose_files
from kimp.config.switches import Switches


@pytest.fixture
def switches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switches:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets").mkdir()
    files = (Path(".env"), Path("vault_id"), Path("secrets/redis_url"), Path("secrets/database_url"))
    for file in files:
        file.touch()
        file.chmod(0o600)
    return Switches.model_construct(secrets_dir=Path("secrets"), vault_secret_id_file=Path("vault_id"))


def test_files_that_only_their_owner_changes_are_no_risk(switches: Switches) -> None:
    Path("secrets/redis_url").chmod(0o444)  # as Docker mounts them
    assert loose_files(switches) == []


@pytest.mark.parametrize("name", [".env", "vault_id", "secrets/redis_url"])
def test_a_file_that_anybody_may_change_is_told(switches: Switches, name: str) -> None:
    Path(name).chmod(0o666)
    assert loose_files(switches) == [f"{name} can be changed by every user of this machine: chmod 600 {name}"]


def test_files_that_are_not_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert loose_files(Switches.model_construct(secrets_dir=tmp_path / "no")) == []

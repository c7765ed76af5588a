"""The units for one machine: what they start exists, what they set is a setting, and each holds its own keys only."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import typer
from architecture.project import ROOT
from typer.core import TyperGroup

from kimp.adapters.temporal import devserver
from kimp.bootstrap.workers import GRACE_S
from kimp.cli import commands
from kimp.cli.app import app
from kimp.config import load
from kimp.config.switches import Switches
from kimp.domain.keys import Right

FOLDER = ROOT / "deploy/systemd"
COMMON = FOLDER / "kimp-.service.d/10-kimp.conf"
UNITS = sorted(FOLDER.glob("*.service"))
KIMP, TEMPORAL = "/opt/kimp/bin/kimp", "/usr/local/bin/temporal"
RIGHTS = {
    "kimp-feeder": {Right.READ},
    "kimp-initiator": {Right.TRADE},
    "kimp-worker-cycles": {Right.TRADE},
    "kimp-worker-transfers": {Right.WITHDRAW},
}
AT_REDIS = {"kimp-feeder", "kimp-initiator", "kimp-worker-cycles"}
VALUES = {
    "redis_url": "redis://redis.internal/0",
    "database_url": "mysql+asyncmy://kimp:password@mysql.internal/kimp",
    "history__keys__k1": "A" * 43 + "=",
}
REGISTERED = commands
Unit = dict[str, list[str]]


def read(*files: Path) -> Unit:
    """Directive -> its values, of all sections; no name occurs in two of them here."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        for line in file.read_text().replace("\\\n", " ").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found[name].append(value)
    return found


def whole(unit: Path) -> Unit:
    return read(unit, COMMON)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_starts_a_command_that_there_is(unit: Path) -> None:
    (command,) = whole(unit)["ExecStart"]
    program, *words = shlex.split(command)
    if program == TEMPORAL:
        return
    assert program == KIMP
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    parse(group, words)


def parse(command: TyperGroup, words: list[str]) -> None:
    """Raises click's usage errors."""
    context = command.make_context("kimp", [*words], resilient_parsing=False)
    name, found, rest = command.resolve_command(context, words)
    assert found is not None, name
    if isinstance(found, TyperGroup):
        parse(found, rest)
    else:
        found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_every_variable_is_known_and_every_credential_has_its_files_name(unit: Path) -> None:
    for variable in (
        assignment.split("=")[0] for line in whole(unit)["Environment"] for assignment in shlex.split(line)
    ):
        assert variable.removeprefix("KIMP_").lower() in Switches.model_fields
    names = [line.split(":")[0] for line in whole(unit)["LoadCredential"]]
    assert names == [line.rpartition("/")[2] for line in whole(unit)["LoadCredential"]]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_settings_load_from_its_credentials(unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (line.split(":")[0] for line in whole(unit)["LoadCredential"]):
        (tmp_path / name).write_text(VALUES.get(name, "secret-of-the-test"))
    monkeypatch.setenv("KIMP_SECRETS_DIR", str(tmp_path))
    load()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_holds_the_keys_for_its_own_work_only(unit: Path) -> None:
    rights = re.findall(r"LoadCredential=\w+__keys__(\w+)__access_key:", unit.read_text())
    held = {Right(right) for right in rights}
    assert held == RIGHTS.get(unit.stem, set())


def test_only_what_opens_redis_knows_where_it_is() -> None:
    assert {unit.stem for unit in UNITS if "LoadCredential=redis_url:" in unit.read_text()} == AT_REDIS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_is_let_finish_and_belongs_to_the_target(unit: Path) -> None:
    settings = whole(unit)
    assert int(*settings["TimeoutStopSec"]) > 2 * GRACE_S
    assert settings["WantedBy"] == ["kimp.target"]


def test_temporal_runs_with_what_kimps_own_server_runs_with() -> None:
    """But for synchronous: what a power cut takes is gone."""
    (command,) = whole(FOLDER / "kimp-temporal.service")["ExecStart"]
    assert all(setting in command for setting in devserver.DYNAMIC_CONFIG)
    assert "--sqlite-pragma synchronous=FULL" in command


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze comes with systemd")
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    for unit in tmp_path.glob("*.service"):  # the programs are not installed here
        unit.write_text(unit.read_text().replace(KIMP, "/bin/true").replace(TEMPORAL, "/bin/true"))
    files = [*map(str, tmp_path.glob("*.service")), str(tmp_path / "kimp.target")]
    environment = {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(tmp_path / "kimp-initiator.service")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout

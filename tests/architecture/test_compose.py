"""docker-compose.yml and Dockerfile, read and held against what they name. What they do is tried by
tests/e2e/test_compose_services.py.
"""

import re
import subprocess
from pathlib import Path

import pytest
import typer
import yaml
from architecture.project import PACKAGES, ROOT
from compose_spec import PyCompose
from fakes.compose import SECRETS, compose, kimp_services, mounts_of, secrets_of, services
from typer.core import TyperGroup

from kimp.adapters.temporal.devserver_binary import SERVER_VERSION, UI_VERSION
from kimp.cli import commands
from kimp.cli.app import app
from kimp.config import Settings, load
from kimp.config.switches import Switches
from kimp.domain.venues import PAIR
from kimp.paper.addresses import derive_address
from kimp.paper.coins import DEFAULT_COINS

REGISTERED = commands
"""Importing it puts the commands on `app`."""
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)*(@sha256:[0-9a-f]{64})?")
SETTINGS = {f"KIMP_{name}".upper() for kind in (Switches, Settings) for name in kind.model_fields}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_it_is_a_compose_file() -> None:
    """By the compose specification's own rules: an unknown key, a wrong type or a bad value raises."""
    # Docker takes a tag and a digest together, this reader of the specification does not.
    text = re.sub(r"@sha256:[0-9a-f]{64}", "", yaml.safe_dump(compose()))
    assert PyCompose.from_yaml(text).to_spec().services


@pytest.mark.parametrize(
    ("wrong", "value"),
    [("imagee", "x"), ("read_only", [1]), ("cap_drop", "ALL"), ("depends_on", {"b": {"condition": "ready"}})],
)
def test_a_mistake_would_be_found(wrong: str, value: object) -> None:
    with pytest.raises(ValueError, match=wrong):
        PyCompose.from_yaml(yaml.safe_dump({"services": {"a": {"image": "x:1", wrong: value}}})).to_spec()


@pytest.mark.parametrize("name", services())
def test_every_service_is_locked_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["restart"] in {"unless-stopped", "on-failure"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert PINNED.fullmatch(service["image"])


def test_the_image_is_built_by_one_service_and_pulled_by_none() -> None:
    """Compose builds side by side, and the second one that wants to give away the same tag fails."""
    built = [service["image"] for service in services().values() if "build" in service]
    assert len(built) == len(set(built)) == 1
    users = [service for service in services().values() if service["image"] in built and "build" not in service]
    assert len(users) > 5
    assert {service["pull_policy"] for service in users} == {"never"}


@pytest.mark.parametrize("name", services())
def test_every_service_waits_for_others_that_are_there(name: str) -> None:
    """For a one-shot until it has done its work, for others until they are healthy, where that can be asked."""
    waits = services()[name].get("depends_on", {})
    conditions = waits if isinstance(waits, dict) else {other: {} for other in waits}
    for other, how in conditions.items():
        condition = how.get("condition", "service_started")
        if services()[other]["restart"] == "on-failure":
            assert condition == "service_completed_successfully"
        elif condition == "service_healthy":
            assert "healthcheck" in services()[other]
        profiles = set(services()[other].get("profiles", []))
        assert profiles <= set(services()[name].get("profiles", [])) or how.get("required") is False


@pytest.mark.parametrize("name", services())
def test_networks_volumes_and_secrets_are_declared(name: str) -> None:
    service, whole = services()[name], compose()
    assert set(service["networks"]) <= whole["networks"].keys()
    assert secrets_of(service).keys() <= whole["secrets"].keys()
    named = [volume.partition(":")[0] for volume in service.get("volumes", [])]
    assert {volume for volume in named if not volume.startswith("./")} <= whole["volumes"].keys()


@pytest.mark.parametrize("name", services())
def test_every_mounted_path_exists(name: str) -> None:
    assert [path for path in mounts_of(services()[name]) if not (ROOT / path).exists()] == []


def test_every_declared_secret_is_used_and_drawn(tmp_path: Path) -> None:
    declared = compose()["secrets"]
    assert declared.keys() == {name for service in services().values() for name in secrets_of(service)}
    subprocess.run(["sh", str(SECRETS), str(tmp_path)], check=True, capture_output=True)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert drawn.keys() == {Path(secret["file"]).name for secret in declared.values()}
    assert all(drawn.values())
    subprocess.run(["sh", str(SECRETS), str(tmp_path)], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == drawn, "a second run changes nothing"


@pytest.mark.parametrize("name", kimp_services())
def test_every_kimp_command_parses(name: str) -> None:
    words = [str(word) for word in kimp_services()[name]["command"]]
    command = typer.main.get_command(app)
    context = command.make_context("kimp", list(words))
    while isinstance(command, TyperGroup) and (words or not command.invoke_without_command):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, found.make_context(found.name, list(words), parent=context)


@pytest.mark.parametrize(
    "name", [name for name in services() if services()[name]["image"].startswith("temporalio/server:")]
)
def test_every_variable_of_the_temporal_server_is_read(name: str) -> None:
    """By its configuration, or by the image itself; and all that has no good default is given."""
    read = set(re.findall(r'env "(\w+)"', (ROOT / "deploy/temporal/server.yaml").read_text()))
    by_the_image = {"TEMPORAL_SERVER_CONFIG_FILE_PATH", "TEMPORAL_ALLOW_NO_AUTH", "TEMPORAL_SERVICES"}
    given = services()[name]["environment"]
    assert by_the_image <= given.keys() <= read | by_the_image
    assert {
        "POSTGRES_ADDRESS",
        "POSTGRES_PASSWORD_FILE",
        "FRONTEND_ADDRESS",
        "DYNAMIC_CONFIG_FILE_PATH",
    } <= given.keys()
    mounted = set(mounts_of(services()[name]).values())
    assert {given["TEMPORAL_SERVER_CONFIG_FILE_PATH"], given["DYNAMIC_CONFIG_FILE_PATH"]} == mounted


@pytest.mark.parametrize("name", kimp_services())
def test_every_variable_of_kimp_is_a_setting(name: str) -> None:
    names = kimp_services()[name]["environment"]
    assert not [name for name in names if name.startswith("KIMP_") and name.partition("__")[0] not in SETTINGS]
    assert not [name for name in names if not name.startswith(("KIMP_", "TEMPORAL_", "OTEL_"))]


def test_each_process_holds_only_the_keys_that_it_uses() -> None:
    rights = {"feeder": "read", "initiator": "trade", "worker-cycles": "trade", "worker-transfers": "withdraw"}
    for name, service in kimp_services().items():
        keys = [source for source in secrets_of(service) if source.startswith(("upbit_", "binance_"))]
        assert len(keys) == (4 if name in rights else 0)
        assert all(rights[name] in key for key in keys)


def test_coins_go_to_the_paper_exchange_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "deploy/compose/config")
    settings = load(environment="paper")
    coins = {coin.name: coin for coin in DEFAULT_COINS}
    for venue in PAIR:
        chosen = settings.venue(venue)
        own = {}
        for name in settings.trading.assets:
            network = next(one for one in coins[name].networks if one.name == chosen.networks[name])
            to = derive_address(PAIR.other(venue), coins[name], network)
            own[name] = f"{to.address}:{to.tag}" if to.tag else to.address
        assert chosen.withdraw_to == own


def test_all_run_the_temporal_that_kimp_is_tested_with() -> None:
    images = {service["image"].split("@")[0] for service in services().values() if "temporalio/" in service["image"]}
    assert images == {
        f"temporalio/server:{SERVER_VERSION}",
        f"temporalio/admin-tools:{SERVER_VERSION}",
        f"temporalio/ui:{UI_VERSION}",
    }
    assert f"go.temporal.io/server v{SERVER_VERSION} " in (ROOT / "deploy/temporal/server/go.mod").read_text()


def test_the_image_gets_all_that_is_shipped() -> None:
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    }
    assert {("src" if package == "kimp" else package) for package in PACKAGES} | {"pyproject.toml", "uv.lock"} <= copied
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)
    assert all(PINNED.fullmatch(image) for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert "USER 10001:10001" in DOCKERFILE

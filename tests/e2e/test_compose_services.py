"""docker-compose.yml without Docker: each kimp service's own command, with its own environment, secrets and
configuration, on real servers. Only what belongs to Docker differs: names of hosts become ports of the loopback
interface, mounted paths become folders.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from fakes.command import KIMP
from fakes.compose import ROOT, SECRETS, Service, kimp_services, secrets_of, services

from kimp.adapters.embedded.process import LOOPBACK, free_port
from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.temporal.devserver import DevServer

PAGES = "KIMP_OBSERVABILITY__HTTP_PORT"
ONE_SHOT = ("migrate", "temporal-bootstrap")
LASTING = ("paper", "feeder", "worker-ops", "worker-transfers", "worker-cycles", "initiator")
PATIENT = {"KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000", "KIMP_TRADING__START_WITHIN_MS": "10000"}
"""What is shown here is no matter of milliseconds, and a busy machine is late with its quotes."""


@dataclass
class Host:
    """This machine in the place of all containers."""

    folder: Path
    addresses: Mapping[str, str]
    """What the files say -> what it is here."""
    more: Mapping[str, str]
    """Variables for what a container has of its own: ports that are always free."""
    ports: dict[str, str] = field(default_factory=dict)
    """Of each service's pages; in containers all have the same."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def text(self, text: str) -> str:
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text

    def environment(self, name: str, service: Service) -> dict[str, str]:
        """Nothing of ours but PATH; secrets in a folder that holds this service's only."""
        secrets = self.folder / "run" / name
        secrets.mkdir(parents=True, exist_ok=True)
        for source, target in secrets_of(service).items():
            (secrets / target).write_text(self.text((self.folder / "secrets" / source).read_text()))
        given = {key: self.text(str(value)) for key, value in service["environment"].items()}
        given[PAGES] = self.ports.setdefault(name, str(free_port()))
        return {"PATH": os.environ["PATH"], **given, "KIMP_SECRETS_DIR": str(secrets), **self.more}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        service = kimp_services()[name]
        with (self.folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                [KIMP, *map(str, service["command"])],
                env=self.environment(name, service),
                cwd=self.folder / "etc",
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = child
        return child

    def healthy(self, name: str) -> bool:
        """As Docker would find out."""
        kind, program, *words = kimp_services()[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        there = self.text(" ".join(words[1:])).replace(
            str(kimp_services()[name]["environment"][PAGES]), self.ports[name]
        )
        for port in ("9801", "9802"):
            there = there.replace(port, self.addresses[f"paper:{port}"].rpartition(":")[2])
        return subprocess.run([sys.executable, words[0], there], check=False, capture_output=True).returncode == 0

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def ask(self, *arguments: str) -> str:
        """One of kimp's commands, with the environment of a service that sees the database."""
        environment = self.environment("worker-ops", kimp_services()["worker-ops"])
        asked = subprocess.run(
            [KIMP, *arguments], env=environment, cwd=self.folder / "etc", capture_output=True, text=True, check=False
        )
        return asked.stdout

    def stop(self) -> None:
        for child in self.processes.values():
            if child.poll() is None:
                child.kill()
            child.wait()


@pytest.fixture
def host(temporal_server: DevServer, new_database: Callable[[], str], tmp_path: Path) -> Iterator[Host]:
    subprocess.run(["sh", str(SECRETS), str(tmp_path / "secrets")], check=True, capture_output=True)
    upbit, binance, admin, redis = (free_port() for _ in range(4))
    addresses = {
        "paper:9801": f"{LOOPBACK}:{upbit}",
        "paper:9802": f"{LOOPBACK}:{binance}",
        "redis:6379": f"{LOOPBACK}:{redis}",
        "temporal-frontend:7233": temporal_server.address,
        (tmp_path / "secrets/database_url").read_text(): new_database(),
        "0.0.0.0": LOOPBACK,
    }
    ports = {"UPBIT": upbit, "BINANCE": binance, "ADMIN": admin}
    more = {f"KIMP_PAPER__{name}_PORT": str(port) for name, port in ports.items()}
    host = Host(tmp_path, addresses, {**more, **PATIENT, "TEMPORAL_NAMESPACE": f"kimp-compose-{uuid4().hex[:8]}"})
    (tmp_path / "etc").mkdir()
    for source in (ROOT / "deploy/compose/config").iterdir():
        (tmp_path / "etc" / source.name).write_text(host.text(source.read_text()))
    with ExitStack() as stack:
        stack.enter_context(_redis(host, redis))
        stack.callback(host.stop)
        yield host


@contextmanager
def _redis(host: Host, port: int) -> Iterator[None]:
    """The compose file's own command and users."""
    words = [str(word) for word in services()["redis"]["command"]]
    words[0] = str(str(find_program().path))
    words = [word.replace("/run/secrets/users.acl", str(host.folder / "secrets/redis_users")) for word in words]
    with (host.folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([*words, "--port", str(port), "--bind", LOOPBACK], stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


@pytest.mark.timeout(400)
def test_every_service_does_its_work_with_what_it_is_given(host: Host) -> None:
    assert {*ONE_SHOT, *LASTING} == kimp_services().keys()
    for name in ONE_SHOT:
        assert host.start(name).wait(timeout=90) == 0, host.log(name)
    for name in LASTING:
        host.start(name)
    _until(lambda: _completed(host), host, within_s=240)
    assert [name for name in LASTING if not host.healthy(name)] == []
    for name in reversed(LASTING):
        host.processes[name].send_signal(signal.SIGTERM)
    grace_s = int(kimp_services()["worker-cycles"]["stop_grace_period"].removesuffix("s"))
    assert {name: host.processes[name].wait(timeout=grace_s) for name in LASTING} == dict.fromkeys(LASTING, 0)
    assert not [name for name in LASTING if "Traceback" in host.log(name)]


def _completed(host: Host) -> bool:
    rows = json.loads(host.ask("cycles", "list", "--json") or "[]")
    return any(row["status"] == "COMPLETED" for row in rows)


def _until(done: Callable[[], bool], host: Host, within_s: float) -> None:
    end = time.monotonic() + within_s
    while not done():
        ended = {
            name: child.poll() for name, child in host.processes.items() if name in LASTING and child.poll() is not None
        }
        assert not ended, "\n".join(f"{name}: {host.log(name)[-1500:]}" for name in ended)
        assert time.monotonic() < end, "\n".join(f"{name}: {host.log(name)[-600:]}" for name in LASTING)
        time.sleep(1)

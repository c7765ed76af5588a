"""What a child process may see, and what stands beside real venues."""

import socket
from pathlib import Path

import pytest

from kimp.adapters.embedded.process import LOOPBACK, free_port
from kimp.bootstrap.paper import refuse_beside_real_venues, run_paper
from kimp.bootstrap.stack import needed_by
from kimp.cli.app import SECRET
from kimp.cli.demo import Demo, DemoOptions
from kimp.cli.run_stack import everything
from kimp.config import Settings
from kimp.config.loading import settings_of
from kimp.config.reference import entries
from kimp.domain.errors import BadConfig

EVERYTHING = {
    "PATH": "/bin",
    "KIMP_UPBIT__ACCESS_KEY": "1",
    "KIMP_UPBIT__KEYS__READ__SECRET_KEY": "2",
    "KIMP_UPBIT__KEYS__TRADE__SECRET_KEY": "3",
    "KIMP_BINANCE__KEYS__WITHDRAW__SECRET_KEY": "4",
    "KIMP_DATABASE_URL": "5",
    "KIMP_REDIS_URL": "6",
    "KIMP_HISTORY__KEYS__A": "7",
    "KIMP_CODEC_SERVER__TOKEN": "8",
    "TEMPORAL_API_KEY": "9",
    "KIMP_TRADING__THRESHOLD": "0.01",
}


@pytest.mark.parametrize(
    ("command", "secrets"),
    [("paper", ""), ("feeder", "126"), ("initiator", "135679"), ("worker", "1345679")],
)
def test_a_child_inherits_the_secrets_that_it_needs(command: str, secrets: str) -> None:
    seen = needed_by(command, EVERYTHING)
    assert {value for value in seen.values() if value.isdigit()} == set(secrets)
    assert seen["PATH"] == "/bin"
    assert seen["KIMP_TRADING__THRESHOLD"] == "0.01"


REAL = Settings(mode="observe", binance={"rest_url": "https://api.binance.com"})  # type: ignore[arg-type]  # as sources give it


async def test_the_paper_exchange_has_no_place_beside_a_real_venue() -> None:
    demo = Demo(REAL, DemoOptions(1, 1, 1, 1, chaos=False, as_json=False))
    for start in (run_paper(REAL), everything(REAL), demo.run()):
        with pytest.raises(BadConfig, match="the paper exchange has no place beside them"):
            await start
    refuse_beside_real_venues(Settings())


async def test_nothing_starts_while_another_paper_exchange_has_the_ports(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        paper = {"upbit_port": taken, "binance_port": 0, "admin_port": 0}
        local = {"redis_port": free_port(), "temporal_port": free_port(), "temporal_ui_port": free_port()}
        settings = settings_of({"paper": paper, "local": {**local, "data_dir": str(tmp_path)}}, "here")
        with pytest.raises(BadConfig, match=rf"port {taken} \(paper\.upbit_port"):
            await everything(settings)
    assert [file.name for file in tmp_path.iterdir()] == ["kimp.lock"]


def test_every_secret_is_refused_as_an_argument() -> None:
    names = {entry.name for entry in entries(Settings, Settings()) if "secret" in entry.kind}
    assert {"redis_url", "upbit.secret_key", "upbit.keys.trade.secret_key", "codec_server.token"} <= names
    assert [name for name in names if not SECRET.search(name)] == []
    assert not any(SECRET.search(name) for name in ("trading.threshold", "local.data_dir", "upbit.rest_url"))

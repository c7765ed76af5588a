"""Commands that cannot do what they are asked: one line that says how to mend it, a code, and nothing done."""

import os
import socket
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from fakes.command import KIMP

from kimp import DISTRIBUTION
from kimp.adapters.embedded.process import free_port
from kimp.cli.commands.acting import AccountName
from kimp.domain.ledger import Account
from kimp.domain.venues import PAIR

Kimp = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kimp(tmp_path: Path) -> Kimp:
    """Runs a command in a folder of its own; exit code, stdout and stderr."""

    def invoke(*arguments: str, **variables: str) -> tuple[int, str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIMP_", "TEMPORAL_"))}
        ran = subprocess.run(
            [KIMP, *arguments],
            cwd=tmp_path,
            env=kept | {"COLUMNS": "200"} | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stdout, ran.stderr

    return invoke


def test_a_cycle_is_not_denied_when_nobody_could_be_asked(kimp: Kimp) -> None:
    code, out, err = kimp("cycles", "logs", "NOPE-1", TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "nobody could be asked for NOPE-1: history: no Temporal server answers" in err
    assert "journal and ledger: " in err


def test_a_cycle_that_the_database_does_not_know_is_denied_though_temporal_is_away(kimp: Kimp) -> None:
    assert kimp("migrate")[0] == 0
    away = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    code, out, err = kimp("cycles", "logs", "NOPE-1", **away)
    assert (code, out, err) == kimp("cycles", "show", "NOPE-1")
    assert code == 2


def test_only_what_a_cycle_holds_is_offered_to_be_written_off(kimp: Kimp) -> None:
    assert set(get_args(AccountName)) == {*PAIR, Account.IN_TRANSIT}
    _, out, _ = kimp("cycles", "write-off", "--help")
    assert "upbit|binance|in_transit" in out
    code, _, err = kimp("cycles", "write-off", "XRP-1", "1", "XRP", "--account", "fees", "--note", "gone")
    assert code == 2
    assert "'fees'" in err


def test_the_version_is_told(kimp: Kimp) -> None:
    assert kimp("--version") == (0, f"kimp {version(DISTRIBUTION)}\n", "")


@pytest.mark.parametrize(("queues", "words"), [("", "an empty name:"), ("cycles, opps,,", "opps, an empty name:")])
def test_queues_that_there_are_not_are_named(kimp: Kimp, queues: str, words: str) -> None:
    code, out, err = kimp("worker", "--queues", queues)
    assert (code, out) == (2, "")
    assert f"{words} no such queue; known are cycles, transfers, ops" in err


@pytest.mark.parametrize("queues", ["transfers", "cycles,transfers,ops"])
def test_a_worker_that_could_send_nothing_takes_no_transfers(kimp: Kimp, queues: str) -> None:
    """Beside `kimp up`, whose worker has the paper exchange's addresses, it would let cycles fail."""
    code, out, err = kimp("worker", "--queues", queues)
    assert (code, out) == (2, "")
    assert "needs upbit.withdraw_to and binance.withdraw_to" in err
    assert "--queues cycles,ops" in err


@pytest.mark.parametrize("rate", ["5", "1e9", "-1400"])
def test_a_rate_that_cannot_be_is_refused(kimp: Kimp, rate: str) -> None:
    assert kimp("migrate")[0] == 0
    code, out, err = kimp("why", "XRP", f"--usd-krw={rate}")
    assert (code, out) == (2, "")
    assert "can't be right: name a rate between 500 and 5000" in err


def test_doctor_warns_while_trading_is_halted(kimp: Kimp) -> None:
    assert kimp("migrate")[0] == 0
    assert kimp("halt", "2", "--note", "looking")[0] == 0
    _, out, _ = kimp("doctor")
    (line,) = [line for line in out.splitlines() if line.split()[1] == "switch"]
    assert line.startswith("warn switch")
    assert "looking" in line
    assert "trading is halted until `kimp resume`" in line


def test_a_demo_looks_for_its_recorded_prices_before_it_starts_anything(kimp: Kimp, tmp_path: Path) -> None:
    code, out, err = kimp("demo", "--replay", "nope.csv")
    assert (code, out) == (2, "")
    assert "nope.csv" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", ["UPBIT_PORT", "BINANCE_PORT", "ADMIN_PORT"])
def test_a_paper_exchange_whose_port_is_taken_names_the_port_and_its_setting(kimp: Kimp, setting: str) -> None:
    free = {f"KIMP_PAPER__{name}_PORT": "0" for name in ("UPBIT", "BINANCE", "ADMIN")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = kimp("paper", **free | {f"KIMP_PAPER__{setting}": port})
    assert code == 2
    last = err.splitlines()[-1]
    assert port in last
    assert f"KIMP_PAPER__{setting}" in last

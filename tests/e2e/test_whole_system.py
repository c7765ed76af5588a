"""The whole system as its user runs it: real processes, the paper exchange, real servers."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from fakes.command import KIMP
from fakes.places import a_place_of_its_own

from kimp.adapters.embedded.process import free_port


@pytest.fixture
def world(temporal_binary: Path, tmp_path: Path) -> dict[str, str]:
    """Free ports and a folder of its own, so that nothing else on the machine is touched."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("KIMP_", "TEMPORAL_"))}
    if "KIMP_TEST_TEMPORAL_ADDRESS" in os.environ:
        environment["TEMPORAL_ADDRESS"] = os.environ["KIMP_TEST_TEMPORAL_ADDRESS"]
        environment["TEMPORAL_NAMESPACE"] = f"kimp-test-{uuid4().hex[:12]}"
    place = a_place_of_its_own(temporal_binary, tmp_path / "kimp")
    return environment | place | {"KIMP_LOCAL__REDIS_PORT": str(free_port())}


@pytest.fixture
def served_world(world: dict[str, str], named_redis: str | None, new_database: Callable[[], str]) -> dict[str, str]:
    """The same with the servers that the tests were told to use instead of kimp's own."""
    if "KIMP_TEST_DATABASE_URL" in os.environ:
        world["KIMP_DATABASE_URL"] = new_database()
    if named_redis is not None:
        world["KIMP_REDIS_URL"] = named_redis
    return world


def _kimp(
    world: dict[str, str], folder: Path, *arguments: str, within_s: float = 280
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KIMP, *arguments], env=world, cwd=folder, capture_output=True, text=True, timeout=within_s, check=False
    )


@pytest.mark.alone
@pytest.mark.timeout(400)
def test_demo_completes_cycles_though_a_worker_is_killed_and_the_books_balance(
    served_world: dict[str, str], tmp_path: Path
) -> None:
    # What is shown here is no matter of milliseconds, and a busy machine is late with its quotes.
    patient = {"KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000", "KIMP_TRADING__START_WITHIN_MS": "10000"}
    many = ("--cycles", "2", "--initiators", "2", "--workers", "2")
    shown = _kimp(served_world | patient, tmp_path, "demo", "--chaos", *many, "--within", "200", within_s=380)
    assert shown.returncode == 0, shown.stdout[-3000:] + shown.stderr[-2000:]
    killed = re.search(r"killed (worker-\d) \(pid \d+\) while (\w+-\d+) was REBALANCING_IN_PROGRESS", shown.stdout)
    assert killed, shown.stdout
    assert re.search(rf"{killed[2]} goes on in (worker|initiator)-\d", shown.stdout), shown.stdout
    assert f"{killed[2]} COMPLETED" in shown.stdout
    assert "the ledger equals the venues' balances" in shown.stdout
    assert "…" not in shown.stdout, "cut off, though no terminal is too narrow"

    books = {**served_world, "KIMP_LOCAL__DATA_DIR": str(tmp_path / "kimp" / "demo")}
    rows = json.loads(_kimp(books, tmp_path, "cycles", "list", "--json", "--limit", "1000").stdout)
    ids = [row["cycle_id"] for row in rows]
    assert len(ids) == len(set(ids))
    done = next(row for row in rows if row["status"] == "COMPLETED")
    card = json.loads(_kimp(books, tmp_path, "cycles", "show", done["cycle_id"], "--json").stdout)
    assert len(card["entries"]) >= 6, "two legs: buys, transfers out and in, sales"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KIMP_TRADING__THRESHOLD", "much", "trading.threshold"),
        ("KIMP_TRADING__COINS", '["USDT"]', "trading.coins"),
        ("KIMP_LOCAL__TEMPORAL_PORT", "0", "local.temporal_port"),
        ("KIMP_UPBIT", "{no json", "upbit: it is no table"),
        ("KIMP_TRADNG__THRESHOLD", "0.1", "KIMP_TRADNG__THRESHOLD: there is no such setting (environment)"),
        ("KIMP_VAULT_ADDR", "http://127.0.0.1:9", "KIMP_VAULT_ADDR needs KIMP_VAULT_PATH"),
    ],
)
def test_bad_configuration_is_one_clear_line(
    world: dict[str, str], tmp_path: Path, variable: str, value: str, words: str
) -> None:
    shown = _kimp({**world, variable: value}, tmp_path, "config", "show")
    assert shown.returncode == 2
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr


def test_recorded_prices_that_cannot_be_read_are_one_clear_line(world: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("a,b\n1,2\n")
    shown = _kimp(world, tmp_path, "demo", "--replay", "prices.csv")
    assert shown.returncode == 2
    assert "prices.csv:1: unknown columns 'a', 'b'" in shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr


# The first meets Python while it still reads modules, the others meet servers and processes that just start.
@pytest.mark.parametrize("after_s", [0.6, 1.5, 4, 8])
def test_ctrl_c_at_any_moment_leaves_no_traceback(served_world: dict[str, str], tmp_path: Path, after_s: float) -> None:
    demo = subprocess.Popen(
        [KIMP, "demo"],
        env=served_world,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_as_on_a_terminal,  # noqa: PLW1509 - only what is safe between fork and exec
    )
    time.sleep(after_s)
    demo.send_signal(signal.SIGINT)
    message, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in message


def _as_on_a_terminal() -> None:
    """Tests that run in the background ignore Ctrl-C, and so would the processes that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_secrets_are_masked(world: dict[str, str], tmp_path: Path) -> None:
    secret = {"KIMP_UPBIT__SECRET_KEY": "canary-4711", "KIMP_REDIS_URL": "redis://:canary-4711@redis.internal/0"}
    shown = _kimp({**world, **secret}, tmp_path, "config", "show")
    assert shown.returncode == 0
    assert "canary-4711" not in shown.stdout


def test_an_unknown_cycle_is_one_clear_line(served_world: dict[str, str], tmp_path: Path) -> None:
    assert _kimp(served_world, tmp_path, "migrate").returncode == 0
    shown = _kimp(served_world, tmp_path, "cycles", "show", "XRP-999")
    assert shown.returncode == 2
    assert "there is no cycle XRP-999" in shown.stderr

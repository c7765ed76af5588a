"""Commands that cannot do what they are asked: one line that says how to mend it, a code, and nothing done."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

KIMP = str(Path(sys.executable).with_name("kimp"))
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

"""Ports and files that no other kimp on the machine uses."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from kimp.adapters.embedded.process import free_port


def a_paper_exchange_of_its_own() -> dict[str, str]:
    """Variables that say where the paper exchange listens, to it and to who trades on it."""
    upbit, binance, admin = (str(free_port()) for _ in range(3))
    return {
        "KIMP_PAPER__UPBIT_PORT": upbit,
        "KIMP_PAPER__BINANCE_PORT": binance,
        "KIMP_PAPER__ADMIN_PORT": admin,
        "KIMP_UPBIT__REST_URL": f"http://127.0.0.1:{upbit}",
        "KIMP_UPBIT__WS_URL": f"ws://127.0.0.1:{upbit}/websocket/v1",
        "KIMP_BINANCE__REST_URL": f"http://127.0.0.1:{binance}",
        "KIMP_BINANCE__WS_URL": f"ws://127.0.0.1:{binance}",
    }


def a_place_of_its_own(temporal_binary: Path, data: Path) -> dict[str, str]:
    """Variables of a kimp that shares no port and no file with another."""
    return {
        "KIMP_TEMPORAL_CLI": str(temporal_binary),
        "KIMP_LOCAL__DATA_DIR": str(data),
        "KIMP_LOCAL__TEMPORAL_PORT": str(free_port()),
        "KIMP_LOCAL__TEMPORAL_UI_PORT": str(free_port()),
        **a_paper_exchange_of_its_own(),
    }


def move_to(folder: Path, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For the rest of the test this process is in that folder, with no other settings than these."""
    for name in [name for name in os.environ if name.startswith(("KIMP_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)

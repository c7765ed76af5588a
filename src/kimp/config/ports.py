"""Ports of the servers that kimp runs itself, and what follows from them where nobody says otherwise."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field

from kimp.config.section import Section
from kimp.config.venues import BinanceSettings, UpbitSettings

HOST = "127.0.0.1"
LOCAL = {"temporal_port": 7233, "temporal_ui_port": 8233, "redis_port": 6399}
PAPER = {"upbit_port": 9801, "binance_port": 9802, "admin_port": 9803}
VENUES = {"upbit": UpbitSettings, "binance": BinanceSettings}
MOST_OFFSET = 50_000


class PaperPorts(Section):
    """Where the paper exchange listens; [paper exchange](paper-exchange.md) tells what else can be set of it."""

    model_config = ConfigDict(extra="ignore")

    upbit_port: int = Field(default=PAPER["upbit_port"], ge=0, lt=65536)
    """Upbit's stand-in; `upbit.rest_url` and `ws_url` follow it where they are not set. 0: any free port."""
    binance_port: int = Field(default=PAPER["binance_port"], ge=0, lt=65536)
    """Binance's stand-in, likewise."""
    admin_port: int = Field(default=PAPER["admin_port"], ge=0, lt=65536)
    """The door for whoever runs it: faults, wallets, balances."""


def with_ports(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a configuration, with the ports that `local.port_offset` moves and the URLs that follow ports.

    What is set stands, and what is wrong is left for validation to tell.
    """
    tables = dict(given)
    local, paper = (_table(tables, name) for name in ("local", "paper"))
    if offset := _number(local.get("port_offset")) or 0:
        moved = {name: port + offset for name, port in LOCAL.items()}
        tables["local"] = local = moved | local
        tables["paper"] = paper = {name: port + offset for name, port in PAPER.items()} | paper
    for venue, kind in VENUES.items():
        port, section = _number(paper.get(f"{venue}_port")), tables.get(venue, {})
        if port and isinstance(section, dict):
            tables[venue] = {
                "rest_url": f"http://{HOST}:{port}",
                "ws_url": f"ws://{HOST}:{port}{kind.SOCKET_PATH}",
            } | section
    return tables


def _table(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = given.get(name)
    return dict(table) if isinstance(table, dict) else {}


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

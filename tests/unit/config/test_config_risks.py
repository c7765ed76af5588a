"""Valid settings that together ask for trouble."""

from typing import Any

import pytest

from kimp.config import Settings
from kimp.config.risks import risks
from kimp.config.switches import Switches

KEYS = {"access_key": "a", "secret_key": "b"}
REAL: dict[str, dict[str, Any]] = {
    "upbit": {
        "rest_url": "https://api.upbit.com",
        "ws_url": "wss://api.upbit.com/websocket/v1",
        "withdraw_to": {"XRP": "r:1", "USDT": "T1"},
        **KEYS,
    },
    "binance": {
        "rest_url": "https://api.binance.com",
        "ws_url": "wss://stream.binance.com:9443",
        "withdraw_to": {"XRP": "r:2", "USDT": "T2"},
        **KEYS,
    },
}
SERVER = "mysql+asyncmy://kimp@mysql.internal/kimp"


def reported(own_temporal: bool = False, vault: str | None = None, **tables: Any) -> str:  # noqa: FBT001, FBT002 - a test's own
    everything: dict[str, Any] = (
        {"database_url": SERVER, "mode": "observe", "trading": {"coins": ["XRP"]}} | REAL | tables
    )
    settings = Settings(**everything)
    switches = Switches.model_construct(vault_addr=vault)
    return "\n".join(risks(settings, switches, own_temporal=own_temporal))


def test_the_paper_exchange_is_no_risk() -> None:
    assert not risks(Settings(), Switches.model_construct(), own_temporal=True)


def test_real_venues_with_all_that_they_need_are_none() -> None:
    assert reported() == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"database_url": None}, "SQLite"),
        ({"own_temporal": True}, "Temporal dev server"),
        ({"upbit": REAL["upbit"] | {"access_key": "paper-upbit"}}, "upbit.access_key is the paper exchange's"),
        ({"upbit": REAL["upbit"] | {"withdraw_to": {}}}, "upbit.withdraw_to has no XRP, USDT: cycles buy them"),
        (
            {
                "trading": {"coins": ["XRP", "SOL"]},
                "binance": {**REAL["binance"], "withdraw_to": {"XRP": "r:3", "USDT": "T", "SOL": "S"}},
            },
            "upbit.withdraw_to has no SOL",
        ),
        ({"binance": REAL["binance"] | {"allow_excess_rights": True}}, "binance.allow_excess_rights"),
        ({"binance": REAL["binance"] | {"rest_url": "http://api.binance.com"}}, "not encrypted"),
        ({"trading": {"coins": ["XRP"], "threshold": "0.0005"}}, "trading.threshold is below rebalance_floor"),
        ({"binance": {}}, "one venue is real and the other is not"),
        ({"upbit": REAL["upbit"] | {"withdraw_to": {"XRP": "r:3", "USDT": "T", "NO": "x"}}}, "withdraw_to names NO"),
        ({"vault": "http://vault.internal:8200"}, "in clear"),
    ],
)
def test_each_risk_is_told(changes: dict[str, Any], words: str) -> None:
    assert words in reported(**changes)
    assert "\n" not in reported(**changes)


def test_vault_on_this_machine_needs_no_https() -> None:
    assert reported(vault="http://127.0.0.1:8200") == reported(vault="http://localhost:8200") == ""


def test_a_host_that_only_looks_like_a_real_one() -> None:
    settings = Settings(upbit={"rest_url": "https://api.upbit.com.paper.internal"})  # type: ignore[arg-type] # validated
    assert not settings.upbit.is_live

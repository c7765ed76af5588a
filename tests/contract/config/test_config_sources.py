"""What every source of settings does alike; and that each goes before those behind it."""

from itertools import combinations
from typing import Any

import pytest
from fakes.config_sources import Sources

from kimp.bootstrap.paper import PaperSettings
from kimp.config import Settings, load_with_origins
from kimp.domain.errors import BadConfig
from kimp.domain.keys import Right

SECRET = "canary-0815"


@pytest.fixture(params=Sources.ORDER)
def label(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def refused() -> str:
    with pytest.raises(BadConfig) as error:
        load_with_origins(Settings)
    assert error.value.__suppress_context__, "no chain that a traceback would show"
    return str(error.value)


def test_a_nested_value(sources: Sources, label: str) -> None:
    sources.put(label, {"trading": {"threshold": "0.006"}, "local": {"redis_port": 6400}})
    reported = load_with_origins(Settings)
    assert str(reported.settings.trading.threshold) == "0.006"
    assert reported.settings.local.redis_port == 6400
    assert reported.origin("trading", "threshold") == reported.origin("local", "redis_port") == label
    assert reported.origin("trading", "slippage") == "default"


def test_lists_and_tables(sources: Sources, label: str) -> None:
    sources.put(label, {"trading": {"coins": ["XRP", "TRX"]}, "upbit": {"withdraw_to": {"XRP": "rXRP:7"}}})
    reported = load_with_origins(Settings)
    assert reported.settings.trading.coins == ("XRP", "TRX")
    assert reported.settings.upbit.withdraw_to == {"XRP": "rXRP:7"}
    assert reported.origin("upbit", "withdraw_to", "XRP") == label


@pytest.mark.parametrize("label", Sources.TEXTS)
def test_a_table_as_one_json_text(sources: Sources, label: str) -> None:
    sources.put(label, {"upbit": '{"withdraw_to": {"XRP": "rXRP:7"}}', "binance": {"withdraw_to": '{"SOL": "So1"}'}})
    reported = load_with_origins(Settings)
    assert reported.settings.upbit.withdraw_to == {"XRP": "rXRP:7"}
    assert reported.settings.binance.withdraw_to == {"SOL": "So1"}


def test_secrets_stay_secret(sources: Sources, label: str) -> None:
    keys = {"trade": {"access_key": "trade-key", "secret_key": SECRET}}
    sources.put(label, {"upbit": {"keys": keys}, "redis_url": f"redis://:{SECRET}@redis.internal/0"})
    reported = load_with_origins(Settings)
    assert reported.settings.upbit.pair(Right.TRADE).secret_key.get_secret_value() == SECRET
    assert reported.settings.upbit.pair(Right.READ).access_key.get_secret_value() == "paper-upbit"
    assert SECRET not in repr(reported.settings) + reported.settings.model_dump_json()
    assert reported.origin("upbit", "keys", "trade", "secret_key") == label


def test_an_unknown_section(sources: Sources, label: str) -> None:
    sources.put(label, {"tradng": {"threshold": "0.006"}})
    text = refused()
    assert "tradng" in text.lower()
    assert text.endswith(f"there is no such setting ({label})")


def test_an_unknown_setting(sources: Sources, label: str) -> None:
    sources.put(label, {"trading": {"thresold": "0.006"}})
    assert refused() == f"bad configuration: trading.thresold: there is no such setting ({label})"


@pytest.mark.parametrize("address", ["r1 :7", "r1 r2"])
def test_an_allow_list_with_a_slip_of_the_hand(sources: Sources, label: str, address: str) -> None:
    sources.put(label, {"upbit": {"withdraw_to": {"XRP": address}}})
    assert "upbit.withdraw_to.xrp: it may neither be empty nor have a blank in it" in refused().lower()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"redis_url": "http://canary-0815"}, "redis_url: it is no Redis URL; write redis://"),
        ({"upbit": {"rest_url": "ftp://canary-0815"}}, "upbit.rest_url: write it as http://host or https://host"),
        ({"binance": {"ws_url": "https://canary-0815"}}, "binance.ws_url: write it as ws://host or wss://host"),
        ({"trading": {"coins": []}}, "trading: coins is empty; name at least one"),
        (
            {"trading": {"prefunded": ["DOT"]}},
            "trading: prefunded names DOT, which coins does not name; name both or none",
        ),
        ({"local": {"temporal_port": 7000, "redis_port": 7000}}, "redis_port must be three different ports"),
    ],
)
def test_what_can_not_work_is_refused(sources: Sources, label: str, table: dict[str, Any], words: str) -> None:
    sources.put(label, table)
    text = refused()
    assert words in text
    assert SECRET not in text
    assert text.endswith(f" ({label})")


def test_half_a_key(sources: Sources, label: str) -> None:
    sources.put(label, {"upbit": {"keys": {"trade": {"secret_key": SECRET}}}})
    text = refused()
    assert f"upbit.keys.trade.access_key: it is missing ({label})" in text
    assert SECRET not in text


@pytest.mark.parametrize("wrong", ["much", '{"broken', "[1"])
def test_a_wrong_type(sources: Sources, label: str, wrong: str) -> None:
    no_list = f"[{wrong}"  # one word alone is a list of one where a source holds texts
    sources.put(label, {"trading": {"threshold": wrong, "coins": no_list}, "upbit": {"networks": wrong}})
    text = refused()
    for problem in (
        "trading.threshold: it is no number like 0.006 or 2000000",
        "trading.coins: it is no list; write",
        "networks: it is no table",
    ):
        assert problem in text
    assert text.count(f"({label})") == 3
    assert wrong not in text


def test_settings_that_contradict_each_other_are_traced_too(sources: Sources, label: str) -> None:
    sources.put(label, {"trading": {"rebalance_loss_limit": "0.01"}})
    assert refused().endswith(f"rebalance_loss_limit must not be above rebalance_floor ({label})")


@pytest.mark.parametrize(
    ("table", "all_of_them"),
    [
        (
            {"trading": {"coins": ["KRW", "XRP", "XRP"]}},
            ("trading.coins: KRW and USDT are cash", "a coin is named twice"),
        ),
        (
            {"trading": {"rebalance_loss_limit": "0.01", "compensation_loss_limit": "0.02"}},
            ("rebalance_loss_limit must not be", "compensation_loss_limit must not be"),
        ),
        ({"codec_server": {"allowed_origins": ["first", "second"]}}, ("'first', 'second' is no origin",)),
        (
            {"codec_server": {"jwks_file": "keys.json", "tls_cert": "cert.pem"}},
            ("jwks_file needs issuer", "tls_cert and tls_key go together"),
        ),
        (
            {"history": {"keys": {"first": SECRET, "second": SECRET}}},
            ("key first is not 32 bytes", "key second is not 32 bytes"),
        ),
    ],
)
@pytest.mark.parametrize("label", ["kimp.toml"])
def test_all_rules_of_a_table_are_told_at_once(
    sources: Sources, label: str, table: dict[str, Any], all_of_them: tuple[str, ...]
) -> None:
    sources.put(label, table)
    text = refused()
    assert all(words in text for words in all_of_them)
    assert SECRET not in text


@pytest.mark.parametrize(("first", "second"), list(combinations(Sources.ORDER, 2)))
def test_the_earlier_source_wins(sources: Sources, first: str, second: str) -> None:
    sources.put(second, {"trading": {"slippage": "0.006", "threshold": "0.02"}, "upbit": {"withdraw_to": {"SOL": "b"}}})
    sources.put(first, {"trading": {"slippage": "0.005"}, "upbit": {"withdraw_to": {"TRX": "a"}}})
    reported = load_with_origins(Settings)
    assert (str(reported.settings.trading.slippage), reported.origin("trading", "slippage")) == ("0.005", first)
    assert (str(reported.settings.trading.threshold), reported.origin("trading", "threshold")) == ("0.02", second)
    assert reported.settings.upbit.withdraw_to == {"TRX": "a", "SOL": "b"}, "tables are put together, entry by entry"


def test_all_problems_of_all_sources_at_once(sources: Sources) -> None:
    fields = (
        "slippage",
        "threshold",
        "cooldown_s",
        "notional_krw",
        "premium_band",
        "start_within_ms",
        "coins",
        "rebalance_poll_s",
    )
    for label, field in zip(Sources.ORDER, fields, strict=True):
        sources.put(label, {"trading": {field: "x"}})
    sources.vault.trouble = "sealed"
    text = refused()
    for label in Sources.ORDER[:-1]:
        assert f"({label})" in text
    assert "is sealed" in text
    assert "8 problems" in text


def test_the_two_classes_of_settings_leave_each_other_alone(sources: Sources, label: str) -> None:
    both: dict[str, Any] = {"paper": {"upbit_port": 9999}, "trading": {"slippage": "0.005"}}
    sources.put(label, both)
    assert str(load_with_origins(Settings).settings.trading.slippage) == "0.005"
    assert load_with_origins(PaperSettings).settings.paper.upbit_port == 9999

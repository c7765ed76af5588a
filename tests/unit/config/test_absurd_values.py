"""Values that are well-formed and that nobody can mean: refused before anything starts, and never told if secret."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from kimp.adapters.sql.engine import parse_url, place_of
from kimp.config import Settings, load
from kimp.config.urls import redis_fault
from kimp.config.wording import sentence
from kimp.domain.arming import TradingMode
from kimp.domain.errors import BadConfig
from kimp.domain.venues import Venue

PIECES = ("pw57", "Wc903z", "5757")


def faults(**given: Any) -> list[str]:
    """Place and words of each."""
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    return [f"{'.'.join(map(str, detail['loc']))}: {sentence(detail)}" for detail in caught.value.errors()]


def numbers(kind: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in kind.model_fields.items():
        optional = get_origin(field.annotation) in (Union, UnionType)
        inner = get_args(field.annotation)[0] if optional else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from numbers(inner, f"{above}{name}.")
        elif inner in (int, float, Decimal):
            yield above + name, field


def test_every_number_has_two_ends() -> None:
    found = dict(numbers(Settings))
    assert {"trading.threshold", "caps.order_krw", "local.redis_port", "config.refresh_s"} <= found.keys()
    open_ended = [
        name
        for name, field in found.items()
        if not any(isinstance(end, Ge | Gt) for end in field.metadata)
        or not any(isinstance(end, Le | Lt) for end in field.metadata)
    ]
    assert open_ended == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "-0.5"),
        ("threshold", "0.4"),
        ("slippage", "-0.01"),
        ("slippage", "0.5"),
        ("premium_band", "0"),
        ("premium_band", "-0.2"),
        ("compensation_loss_limit", "-1"),
        ("max_quote_age_ms", "100000000"),
        ("notional_krw", "1e12"),
        ("notional_krw", "1"),
        ("notional_krw", "Infinity"),
        ("rebalance_deadline_s", "99999999"),
    ],
)
def test_a_number_that_nobody_means(name: str, value: str) -> None:
    (reported,) = faults(trading={name: value})
    assert reported.startswith(f"trading.{name}: it should be")


def test_a_cycle_fits_its_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_TRADING__NOTIONAL_KRW", "9000000")
    with pytest.raises(BadConfig, match=r"^bad configuration: trading\.notional_krw is above"):
        load()
    assert "trading.notional_krw is above a cap of caps" in faults(trading={"notional_krw": "9000000"})[0]


def test_both_sides_at_once_are_for_the_paper_exchange() -> None:
    assert Settings(trading={"prefunded": ["XRP"]}).trading.prefunded  # type: ignore[arg-type]  # as sources give it
    (reported,) = faults(
        mode="observe", trading={"prefunded": ["XRP"]}, binance={"rest_url": "https://api.binance.com"}
    )
    assert "trading.prefunded is for the paper exchange" in reported
    assert Settings(trading={"notional_krw": "9000000"}, caps={"order_krw": "9000000", "cycle_krw": "9000000"})  # type: ignore[arg-type]  # as sources give it


def test_real_venues_are_reached_by_no_accident() -> None:
    for venue, url in (("upbit", "https://api.upbit.com"), ("binance", "https://api.binance.com")):
        given: dict[str, Any] = {venue: {"rest_url": url}}
        assert f"mode is synthetic, and {venue}.rest_url is the real venue's" in faults(**given)[0]
        assert Settings(mode=TradingMode.OBSERVE, **given).venue(Venue(venue)).is_live
    assert "mode" in faults(mode="real")[0]


def test_once_trades_the_least_size() -> None:
    assert Settings(mode=TradingMode.ONCE).rules().limits.notional_krw == Settings().trading.least_notional_krw
    assert Settings(mode=TradingMode.LIVE).rules().limits.notional_krw == Settings().trading.notional_krw


@pytest.mark.parametrize(
    ("venue", "table", "words"),
    [
        ("binance", {"rest_url": "https://api.binance.com/api/v3/"}, "it has a path"),
        ("binance", {"rest_url": "https://fapi.binance.com"}, "its host serves futures"),
        ("binance", {"rest_url": "https://api.upbit.com"}, "its host is the other venue's"),
        ("upbit", {"rest_url": "https://api.binance.com"}, "its host is the other venue's"),
        ("upbit", {"ws_url": "wss://api.upbit.com"}, "after its host comes /websocket/v1"),
        ("binance", {"ws_url": "wss://stream.binance.com:9443/ws"}, "it has a path; leave it out"),
        ("upbit", {"rest_url": "https://user:pw57@api.upbit.com"}, "write scheme and host, without user"),
        ("upbit", {"rest_url": "https://api.upbit.com:99999"}, "write scheme and host"),
        ("upbit", {"withdraw_to": {"XRP": "rEXAMPLE"}}, "XRP: an exchange receives it by address and tag"),
        ("upbit", {"withdraw_to": {"XRP": "rEXAMPLE:"}}, "XRP: an exchange receives it by address and tag"),
        ("upbit", {"withdraw_to": {"XRP": "rEXAMPLE:1:2"}}, "XRP: write address or address:tag"),
        ("upbit", {"withdraw_to": {"SOL": "So1\u200b"}}, "SOL: write address or address:tag"),
    ],
)
def test_a_venue_that_cannot_be_meant(venue: str, table: dict[str, Any], words: str) -> None:
    text = "; ".join(faults(**{venue: table}))
    assert words in text
    assert "pw57" not in text


def test_the_real_venues_are_meant() -> None:
    settings = Settings(
        mode=TradingMode.OBSERVE,
        upbit={"rest_url": "https://api.upbit.com/", "ws_url": "wss://api.upbit.com/websocket/v1"},  # type: ignore[arg-type]  # as sources give it
        binance={"rest_url": "https://api.binance.com", "ws_url": "wss://data-stream.binance.vision"},  # type: ignore[arg-type]
    )
    assert settings.upbit.rest_url == "https://api.upbit.com"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "it is empty"),
        ("pw57 Wc903z", "it has a blank, a line break"),
        ("pw57\n", "it has a blank, a line break"),
        ("pw57\r", "it has a blank, a line break"),
        ("pw57\u200b", "it has a blank, a line break"),
        ("pw57\x00", "it has a blank, a line break"),
        ('"pw57"', "it has quotes around it"),
        ("'pw57'", "it has quotes around it"),
    ],
)
def test_what_copying_leaves_in_a_key(key: str, words: str) -> None:
    reported = faults(
        upbit={"access_key": key, "keys": {"trade": {"access_key": "good", "secret_key": key}}},
        binance={"secret_key": key},
    )
    assert len(reported) == 3
    assert all(words in line and "pw57" not in line for line in reported)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""])
def test_a_configuration_as_notepad_saves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kimp.toml").write_bytes(prefix + b'[trading]\r\nthreshold = "0.006"\r\n')
    assert load().trading.threshold == Decimal("0.006")


PASSWORDS = ("pw57#Wc903z", "5757#Wc903z", "pw57/Wc903z", "pw57@Wc903z", "pw57%Wc903z", "pw57?Wc903z")


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user", ["", "kimp"])
def test_a_password_that_moves_the_rest_of_its_url(user: str, password: str) -> None:
    redis, sql = f"redis://{user}:{password}@127.0.0.1:21399/0", f"mysql+asyncmy://{user}:{password}@127.0.0.1/kimp"
    (reported,) = faults(redis_url=redis)
    with pytest.raises(BadConfig) as refused:
        parse_url(sql)
    for text in (reported, str(refused.value)):
        assert "%23 for #, %2F for /, %3F for ?, %40 for @" in text
        assert not any(piece in text for piece in PIECES)


def test_an_encoded_password_is_good() -> None:
    encoded = "pw57%23%2F%3F%40%3A%25"
    assert redis_fault(f"redis://kimp:{encoded}@redis.internal:6379/0") is None
    assert place_of(f"mysql+asyncmy://kimp:{encoded}@mysql.internal/kimp") == "kimp at mysql.internal"


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://[::1]:6379/15",
        "rediss://kimp:secret@redis.internal:6380/0?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_urls_of_redis_that_work(url: str) -> None:
    assert redis_fault(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://127.0.0.1:6379/abc", "no number of a Redis database"),
        ('"redis://127.0.0.1:6379/0"', "it is no Redis URL"),
        ("redis://127.0.0.1:6379/0?ssl_cert_reqs=none", "options that kimp does not know; none may follow"),
        ("redis://127.0.0.1:6379/0?decode_responses=true", "options that kimp does not know"),
        ("redis://127.0.0.1:6379/0?Wc903z", "options that kimp does not know"),
        ("rediss://127.0.0.1:6379/0?ssl_cert_reqs=none", "options that kimp does not know; ssl_ca_certs"),
        ("rediss://h?ssl_ca_certs=a&ssl_ca_certs=b", "an option stands in it twice"),
        ("redis://127.0.0.1:99999/0", "its port is no number"),
        ("redis://127.0.0.1:port/0", "its port is no number"),
        ("redis://:secret@:6379/0", "it names no host"),
        ("redis://127.0.0.1:6379/0\n", "it has a blank"),
        ("redis://127.0.0.1\u200b:6379/0", "it has a blank"),
        ("redis:/127.0.0.1", "it is no Redis URL"),
        ("http://127.0.0.1", "it is no Redis URL"),
        ("", "it is no Redis URL"),
    ],
)
def test_urls_of_redis_that_do_not(url: str, words: str) -> None:
    reported = redis_fault(url)
    assert reported is not None
    assert words in reported
    assert "Wc903z" not in reported


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://kimp:pw57@127.0.0.1/kimp", "kimp speaks"),
        ("mysql+asyncmy://kimp:pw57@127.0.0.1/kimp?ssl-mode=REQUIRED", "options that kimp does not know"),
        ("mysql+asyncmy://kimp:pw57@127.0.0.1/kimp?Wc903z=1", "options that kimp does not know"),
        ("mysql+asyncmy://kimp:pw57@/kimp", "names no host"),
        ("mysql+asyncmy://kimp:pw57@127.0.0.1/", "lacks a database"),
    ],
)
def test_urls_of_databases_that_do_not(url: str, words: str) -> None:
    with pytest.raises(BadConfig) as refused:
        parse_url(url)
    assert words in str(refused.value)
    assert not any(piece in str(refused.value) for piece in PIECES)

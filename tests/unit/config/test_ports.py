"""Ports of kimp's own servers: what is moved together, and which URLs follow."""

from pathlib import Path

import pytest

from kimp.config import Settings, load
from kimp.config.loading import settings_of
from kimp.domain.errors import BadConfig


def test_as_nobody_says_otherwise() -> None:
    assert settings_of({}, "here") == Settings()
    assert Settings().binance.ws_url == "ws://127.0.0.1:9802"


def test_urls_of_the_venues_follow_the_paper_exchange() -> None:
    now = settings_of({"paper": {"upbit_port": 9821, "market": {"kind": "synthetic"}}}, "here")
    assert now.upbit.rest_url == "http://127.0.0.1:9821"
    assert now.upbit.ws_url == "ws://127.0.0.1:9821/websocket/v1"
    assert now.binance == Settings().binance


def test_one_setting_moves_every_port_that_is_not_set() -> None:
    given = {"local": {"port_offset": 100, "redis_port": 6001}, "upbit": {"rest_url": "http://127.0.0.1:1"}}
    now = settings_of(given, "here")
    assert (now.local.temporal_port, now.local.temporal_ui_port, now.local.redis_port) == (7333, 8333, 6001)
    assert (now.paper.upbit_port, now.paper.binance_port, now.paper.admin_port) == (9901, 9902, 9903)
    assert now.upbit.rest_url == "http://127.0.0.1:1"
    assert now.upbit.ws_url == "ws://127.0.0.1:9901/websocket/v1"
    assert now.binance.rest_url == "http://127.0.0.1:9902"


def test_from_the_environment_and_by_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIMP_PAPER__BINANCE_PORT", "9822")
    monkeypatch.setenv("KIMP_ARGUMENTS", '{"local.port_offset": "10"}')
    now = load()
    assert now.binance.ws_url == "ws://127.0.0.1:9822"
    assert now.upbit.rest_url == "http://127.0.0.1:9811"
    assert now.local.redis_port == 6409


@pytest.mark.parametrize("offset", ["much", "-1", "60000", "1.5"])
def test_an_offset_that_is_none_is_told(offset: str) -> None:
    with pytest.raises(BadConfig, match=r"local\.port_offset"):
        settings_of({"local": {"port_offset": offset}}, "here")

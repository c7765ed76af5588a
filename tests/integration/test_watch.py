"""`kimp watch` as its user runs it, with a paper exchange in the place of the venues' public hosts."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.command import KIMP, kimp
from fakes.stand_in import StandIn, stand_in

from feeder.service import Feeder
from kimp.adapters.clock import SystemClock
from kimp.adapters.local_bus import LocalTickBus
from kimp.bootstrap.watching import all_listed
from kimp.config import BinanceSettings, Settings, TradingSettings, UpbitSettings
from kimp.domain.money import Asset
from kimp.paper.coins import DEFAULT_COINS, Caution
from kimp.paper.config import PaperConfig, SyntheticMarket

FLAGGED: dict[str, dict[str, Any]] = {
    "TRX": {"warning": True},
    "ADA": {"cautions": frozenset({Caution.PRICE_FLUCTUATIONS})},
}
COINS = tuple(coin.model_copy(update=FLAGGED.get(coin.name, {})) for coin in DEFAULT_COINS)


@pytest.fixture
async def venues() -> AsyncIterator[StandIn]:
    config = PaperConfig(
        upbit_port=0, binance_port=0, admin_port=0, coins=COINS, market=SyntheticMarket(ticks_per_second=200)
    )
    async with stand_in(config) as venues:
        yield venues


async def test_one_look_shows_every_common_coin_and_signs_nothing(venues: StandIn, tmp_path: Path) -> None:
    code, out, err = await kimp(tmp_path, "watch", "--once", "--json", "--usd-krw", "1400", **venues.hosts)
    assert (code, err) == (0, "")
    rows = {row["coin"]: row for row in map(json.loads, out.splitlines())}
    assert rows.keys() == {coin.name for coin in COINS} - {"USDT", "TRX", "ADA"}
    for row in rows.values():
        assert row["upbit"]["bid"]
        assert row["binance"]["ask"]
        assert row["premium_usdt"]
        assert row["premium_usd"]
        assert row["net_edge"]
        assert row["would_start"] or row["closed"]
    assert venues.requests
    assert not venues.signed
    assert not venues.exchange.world.journal.tail(1, "request")
    assert not list(tmp_path.iterdir()), "nothing is written"


async def test_people_see_a_table_and_what_is_left_out(venues: StandIn, tmp_path: Path) -> None:
    code, out, err = await kimp(tmp_path, "watch", "--once", **venues.hosts)
    assert (code, err) == (0, "")
    assert out.startswith("kimchi premiums of 8 coins; 2 left out.\n")
    assert "TRX     left out: upbit: warning" in out
    assert "ADA     left out: upbit: caution: price fluctuations" in out


async def test_what_is_named_is_shown_though_it_is_flagged(venues: StandIn, tmp_path: Path) -> None:
    code, out, _ = await kimp(tmp_path, "watch", "--once", "--json", "--coins", "trx,XRP", **venues.hosts)
    assert code == 0
    assert {json.loads(line)["coin"] for line in out.splitlines()} == {"TRX", "XRP"}


async def test_a_coin_that_nobody_lists_is_refused(venues: StandIn, tmp_path: Path) -> None:
    code, out, err = await kimp(tmp_path, "watch", "--once", "--coins", "XRP,NOPE", **venues.hosts)
    assert (code, out) == (2, "")
    assert err == "kimp: --coins: there is no market of NOPE on upbit and binance; leave it out\n"


@pytest.mark.parametrize("host", ["KIMP_UPBIT__PUBLIC_REST_URL", "KIMP_BINANCE__PUBLIC_REST_URL"])
async def test_a_host_that_does_not_answer_is_one_line(venues: StandIn, tmp_path: Path, host: str) -> None:
    code, out, err = await kimp(tmp_path, "watch", "--once", **venues.hosts | {host: "http://127.0.0.1:1"})
    assert (code, out) == (1, "")
    assert "http://127.0.0.1:1 does not answer" in err
    assert err.count("\n") == 1


async def test_it_goes_on_until_it_is_told_to_end(venues: StandIn, tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        KIMP, "watch", "--json", "--coins", "XRP", "--every", "0.5",
        cwd=tmp_path, env=venues.hosts, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    reported = [json.loads(await asyncio.wait_for(child.stdout.readline(), 30)) for _ in range(3)]
    assert reported[0]["at_ms"] < reported[1]["at_ms"] < reported[2]["at_ms"]
    child.send_signal(signal.SIGINT)
    _, err = await child.communicate()
    assert (child.returncode, err) == (0, b"")
    assert not venues.signed


async def test_a_feeder_that_follows_all_keeps_what_is_named_by_hand(venues: StandIn) -> None:
    upbit, binance = (f"http://127.0.0.1:{port}" for port in (venues.exchange.upbit_port, venues.exchange.binance_port))
    settings = Settings(
        trading=TradingSettings(coins=("TRX", "XRP")),
        upbit=UpbitSettings(rest_url=upbit),
        binance=BinanceSettings(rest_url=binance),
    )
    made: list[Sequence[Asset]] = []

    def make(coins: Sequence[Asset]) -> Feeder:
        made.append(coins)
        return Feeder([], LocalTickBus(), {}, coins, SystemClock())

    async with all_listed(settings, make) as feeder:
        assert feeder.discovered.left_out.keys() == {"ADA"}
    assert made == [(*sorted({coin.name for coin in COINS} - {"ADA", "USDT"}), "USDT")]
    assert not venues.signed

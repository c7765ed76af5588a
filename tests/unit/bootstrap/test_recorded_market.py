"""What a replay of recorded prices sets: coins by the data, time by the speed."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.recorded_day import MINUTES, day_file

from kimp.bootstrap.recorded_market import recorded_market
from kimp.config import Settings
from kimp.domain.errors import BadInput
from kimp.paper.coins import CoinConfig

SPEED = 60.0


def test_the_coins_of_both_venues_are_played_with_ticks_and_lots_read_off_their_prices(tmp_path: Path) -> None:
    file = day_file(tmp_path / "day.csv")
    with file.open("a") as more:
        more.write("1756684800000,2025-09-01T00:00:00Z,upbit,KRW-BTC,160000000\n")
    played = recorded_market(Settings(), [file], SPEED)
    assert set(played.settings.trading.coins) == {"XRP", "SOL"}, "nobody knows a price of BTC in dollars"
    coins = [CoinConfig.model_validate(coin) for coin in json.loads(played.environment["KIMP_PAPER__COINS"])]
    facts = {coin.name: (coin.tick, coin.lot, coin.networks[0].tag_required) for coin in coins}
    assert facts == {
        "XRP": (Decimal("0.0001"), Decimal("0.01"), True),
        "SOL": (Decimal("0.01"), Decimal("0.0001"), False),
        "USDT": (Decimal("0.0001"), Decimal(1), False),
    }
    assert set(json.loads(played.environment["KIMP_UPBIT__NETWORKS"])) == set(facts)


def test_time_passes_as_fast_as_the_prices_do(tmp_path: Path) -> None:
    played = recorded_market(Settings(), [day_file(tmp_path / "day.csv")], SPEED)
    given, trading = Settings().trading, played.settings.trading
    assert played.lasts_s == (MINUTES - 1) * 60 / SPEED
    assert float(played.environment["KIMP_PAPER__TRANSFER_TIME_SCALE"]) == pytest.approx(1 / SPEED)
    assert trading.rebalance_deadline_s == given.rebalance_deadline_s / SPEED
    assert trading.deposit_unseen_s == given.deposit_unseen_s / SPEED
    assert (trading.cooldown_s, trading.rebalance_poll_s) == (0, 1)
    assert trading.max_quote_age_ms == given.max_quote_age_ms, "kimp's own processes are no faster"
    environment = {name: played.environment[f"KIMP_TRADING__{name.upper()}"] for name in ("cooldown_s", "coins")}
    assert environment == {"cooldown_s": "0", "coins": '["XRP", "SOL"]'}


def test_files_of_one_venue_are_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("timestamp_utc,exchange,symbol,price,qty\n2025-09-01T00:00:00Z,upbit,KRW-XRP,3000,1\n")
    with pytest.raises(BadInput, match=r"one\.csv: no coin has prices of both venues"):
        recorded_market(Settings(), [file], SPEED)

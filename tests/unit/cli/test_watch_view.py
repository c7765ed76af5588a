"""The page of `kimp watch` fits the terminal, and its records are whole."""

import io
import json

from fakes.initiator_settings import RULES
from fakes.market import NOW, TRX, XRP, free_rules, kimchi_quotes, quote
from rich.console import Console, ConsoleDimensions

from kimp.cli.watch_view import page, record_of
from kimp.domain.discovery import Discovered
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue
from kimp.domain.view import MarketView
from kimp.operations.watching import CoinSight, by_net_edge, survey

MANY = tuple(Asset(f"COIN{number}") for number in range(180))
LEFT_OUT = {Asset("SNT"): "another coin of the same name"}


def sights(*coins: Asset) -> list[CoinSight]:
    quotes = kimchi_quotes()
    for coin in coins:
        quotes += [quote(Venue.UPBIT, coin, "2799", "2801"), quote(Venue.BINANCE, coin, "1.999", "2.001")]
    named = (XRP, TRX, *coins)
    view = MarketView.of(quotes, free_rules((*named, USDT)))
    return by_net_edge(list(survey(view, named, RULES, NOW, usd_krw=None)))


def printed(shown: list[CoinSight], message: str = "", size: ConsoleDimensions | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=80 if size is None else size.width)
    watched = Discovered(tuple(sight.coin for sight in shown), LEFT_OUT)
    console.print(page(shown, watched, None, message, size), soft_wrap=size is None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_hundreds_of_coins_fit_a_small_terminal() -> None:
    lines = printed(sights(*MANY), "upbit: " + "a long story " * 20, ConsoleDimensions(80, 24))
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("XRP")
    assert "would start" in lines[2]
    assert any(line.startswith("and ") and "more" in line for line in lines)
    assert lines[-1].startswith("upbit: a long story")


def test_the_whole_list_is_told_where_nothing_need_fit() -> None:
    lines = printed(sights(*MANY))
    assert sum(line.startswith(("COIN", "XRP", "TRX")) for line in lines) >= 182
    assert "SNT     left out: another coin of the same name" in lines


def test_what_is_assumed_is_said() -> None:
    assert "Assumed, as no key is asked for" in "\n".join(printed(sights()))


def test_a_coin_without_prices_says_so() -> None:
    lines = printed([CoinSight(XRP, None, None, None, None)])
    assert lines[0] == "kimchi premiums of 0 coins, waiting for 1 more; 1 left out."
    assert "no prices yet" in lines[2]


def test_a_record_has_every_figure_as_text() -> None:
    record = json.loads(json.dumps(record_of(sights()[0], NOW + 5), default=str))
    assert record["coin"] == "XRP"
    assert record["upbit"] == {
        "bid": "2828",
        "bid_size": "1000000000",
        "ask": "2830",
        "ask_size": "1000000000",
        "age_ms": 5,
    }
    assert record["direction"] == "to_upbit"
    assert record["home_by"] == "TRX"
    assert record["would_start"] is True
    assert record["closed"] == []
    assert "open" in record["assumed"]["wallets"]


def test_a_record_of_a_coin_without_prices_is_null() -> None:
    record = record_of(CoinSight(XRP, None, None, None, None), NOW)
    assert record["net_edge"] is None
    assert record["upbit"] is None
    assert record["would_start"] is False

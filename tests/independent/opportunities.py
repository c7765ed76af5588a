"""What kimp should find in recorded last prices, worked out anew: nothing of kimp is imported.

    python tests/independent/opportunities.py prices.csv 0.004 2000000 transfer [any-tick]

The file has columns at_ms, venue (upbit, binance), coin and price, with both venues' prices of a coin at equal times
and USDT on upbit. Books are as deep as need be; bid and ask stand a ten-thousandth or more from the price, on ticks.
Each line tells time, coin, way and the edge of the whole cycle. Rules: premium within 3 %, a tick no more than a
quarter of the threshold unless any is asked for, and, where coins travel before they are sold, USDT alone as the way
home must pay.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal, getcontext
from pathlib import Path

getcontext().prec = 60
BAND, HALF, TICK_SHARE = Decimal("0.03"), Decimal("0.0001"), Decimal("0.25")
UPBIT_FEE, BINANCE_FEE, STEP = Decimal("0.0005"), Decimal("0.001"), Decimal("0.000001")
Top = tuple[Decimal, Decimal]
"""Bid and ask."""
TICKS = [
    (Decimal(least), Decimal(tick))
    for least, tick in (line.split() for line in (
        "1000000 1000", "500000 500", "100000 100", "50000 50", "10000 10", "5000 5", "100 1", "10 0.1", "1 0.01",
        "0.1 0.001",
    ))
]  # fmt: skip
NETWORK = {
    "XRP": ("1", "0.2"),
    "SOL": ("0.01", "0.001"),
    "TRX": ("1", "1"),
    "ETH": ("0.0018", "0.0004"),
    "USDT": ("1", "1"),
}
"""Coin -> what a withdrawal from upbit and from binance costs."""


def down(value: Decimal, step: Decimal) -> Decimal:
    return value // step * step


def won_tick(price: Decimal) -> Decimal:
    return next((tick for least, tick in TICKS if price >= least), Decimal("0.0001"))


def constant(tick: Decimal) -> Callable[[Decimal], Decimal]:
    return lambda _: tick


def book(price: Decimal, tick: Callable[[Decimal], Decimal]) -> Top:
    low, high = price * (1 - HALF), price * (1 + HALF)
    return down(low, tick(low)), (high / tick(high)).to_integral_value(ROUND_CEILING) * tick(high)


def out(coin: str, upbit: Top, binance: Top, dollars: Decimal, lot: Decimal) -> Top:
    """Dollars on Binance -> (spent there, won on Upbit)."""
    if coin == "USDT":
        spent, bought = dollars, dollars
    else:
        quantity = down(dollars / binance[1], lot)
        spent, bought = quantity * binance[1], quantity * (1 - BINANCE_FEE)
    arrives = down(bought, STEP) - Decimal(NETWORK[coin][1])
    return spent, down(arrives, Decimal("1e-8")) * upbit[0] * (1 - UPBIT_FEE)


def home(coin: str, upbit: Top, binance: Top, won: Decimal, lot: Decimal) -> Top:
    """Won on Upbit -> (spent there, dollars on Binance)."""
    quantity = down(won / (upbit[1] * (1 + UPBIT_FEE)), Decimal("1e-8"))
    arrives = down(quantity - Decimal(NETWORK[coin][0]), STEP)
    spent = quantity * upbit[1] * (1 + UPBIT_FEE)
    return spent, arrives if coin == "USDT" else down(arrives, lot) * binance[0] * (1 - BINANCE_FEE)


def opportunities(
    rows: Sequence[Mapping[str, str]], threshold: Decimal, notional: Decimal, mode: str, most_tick: Decimal
) -> Iterator[tuple[int, str, str, Decimal]]:
    prices: dict[int, dict[str, dict[str, Decimal]]] = {}
    finest: dict[str, Decimal] = {}
    for row in rows:
        prices.setdefault(int(row["at_ms"]), {}).setdefault(row["coin"], {})[row["venue"]] = Decimal(row["price"])
        if row["venue"] == "binance":
            step = Decimal(1).scaleb(Decimal(row["price"]).normalize().as_tuple().exponent)  # type: ignore[arg-type]
            finest[row["coin"]] = min(finest.get(row["coin"], Decimal(1)), step)
    last = {row["coin"]: Decimal(row["price"]) for row in rows if row["venue"] == "binance"}
    lots = {
        coin: min(Decimal(1), Decimal(1).scaleb((Decimal("0.1") / price).adjusted())) for coin, price in last.items()
    } | {"USDT": Decimal(1)}
    for at_ms, coins in sorted(prices.items()):
        usdt = book(coins["USDT"]["upbit"], won_tick)
        rate, books = (usdt[0] + usdt[1]) / 2, {"USDT": (usdt, usdt)}
        for coin, at in coins.items():
            if coin == "USDT" or len(at) < 2:
                continue
            tick = finest[coin]
            upbit, binance = book(at["upbit"], won_tick), book(at["binance"], constant(tick))
            middles = (upbit[0] + upbit[1]) / 2, (binance[0] + binance[1]) / 2
            coarse = max(won_tick(middles[0]) / middles[0], tick / middles[1]) > most_tick
            if not coarse and abs(middles[0] / (middles[1] * rate) - 1) <= BAND:
                books[coin] = upbit, binance
        for coin in sorted(books.keys() - {"USDT"}):
            for way, first, second, cash in (
                ("to_upbit", out, home, notional / rate),
                ("to_binance", home, out, notional),
            ):
                spent, got = first(coin, *books[coin], down(cash, Decimal("0.01")), lots[coin])
                back = {c: second(c, *pair, got, lots[c]) for c, pair in books.items()}
                edges = {c: got / spent * there / paid - 1 for c, (paid, there) in back.items()}
                least = edges["USDT"] if mode == "transfer" else max(edges.values())
                if least >= threshold:
                    yield at_ms, coin, way, max(edges.values())


if __name__ == "__main__":
    with Path(sys.argv[1]).open(newline="") as file:
        table = list(csv.DictReader(file))
    least = Decimal(sys.argv[2])
    ticks = TICK_SHARE * least if len(sys.argv) == 5 else Decimal(1)
    for found in opportunities(table, least, Decimal(sys.argv[3]), sys.argv[4], ticks):
        sys.stdout.write(f"{' '.join(map(str, found))}\n")

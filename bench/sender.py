"""Sends ticks at a given rate for a few seconds, from a process of its own, and prints how many it sent."""

import sys
import time

from redis import Redis

from bench.ticks import COINS, STEP_S, quote
from kimp.adapters.clock import SystemClock
from kimp.contracts.ticks import CHANNEL, encode_batch
from kimp.domain.venues import Venue

PER_BATCH = 20


def send(redis_url: str, rate: int) -> int:
    redis = Redis.from_url(redis_url)
    prices = ((Venue.UPBIT, "1400"), (Venue.BINANCE, "1"))
    quotes = [quote(venue, coin, price) for coin in COINS for venue, price in prices]
    batches = [quotes[at : at + PER_BATCH] for at in range(0, len(quotes), PER_BATCH)]
    begun, sent = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < STEP_S:
        if sent >= rate * elapsed:
            time.sleep(0.0005)
            continue
        now = SystemClock().now_ms()
        batch = [quote._replace(received_ms=now) for quote in batches[sent // PER_BATCH % len(batches)]]
        redis.publish(CHANNEL, encode_batch(batch))
        sent += PER_BATCH
    return sent


if __name__ == "__main__":
    print(send(sys.argv[1], int(sys.argv[2])))

"""How many ticks a second one feeder carries, and what one tick costs: both venues' frames over real sockets into
a real Redis.

    python bench/feeder_rate.py [--rate 10000] [--coins 250] [--seconds 10]

The sender is a process of its own; `--rate 0` sends as fast as the feeder takes them.
"""

import argparse
import asyncio
import multiprocessing
import resource
import subprocess
import tempfile
import time

from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve

from feeder.service import Feeder
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.redis.bus import RedisTickBus
from kimp.adapters.upbit.stream import UpbitStream
from kimp.config import VenueSettings
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

WS_PORT, REDIS_PORT = 19_811, 19_812
LEVELS: int = VenueSettings.model_fields["levels"].default
SLICE_S = 0.005


class WallClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def upbit_frames(coin: int) -> bytes:
    """Of one coin, with as many levels as kimp asks for and a place for the time."""
    units = b",".join(b'{"ap":%d.5,"bp":%d.0,"as":5.25,"bs":4.125}' % (801 + n, 800 - n) for n in range(LEVELS))
    return b'{"ty":"orderbook","cd":"KRW-C%d","tas":10.0,"tbs":9.0,"obu":[%b],"tms":%%d,"lv":0,"st":"REALTIME"}' % (
        coin,
        units,
    )


def binance_frames(coin: int) -> bytes:
    """Of one coin, with a place for the number of the update."""
    return (
        b'{"stream":"c%dusdt@bookTicker","data":{"u":%%d,"s":"C%dUSDT","b":"0.5510","B":"100.10000000","a":"0.5610",'
        b'"A":"90.50000000"}}' % (coin, coin)
    )


async def send_for_ever(rate: int, coins: int) -> None:
    """Half of `rate` on each venue's connection."""

    async def handler(socket: ServerConnection) -> None:
        is_upbit = socket.request is not None and "stream" not in socket.request.path
        frames = [(upbit_frames if is_upbit else binance_frames)(coin) for coin in range(coins)]
        started, sent = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - started) * rate / 2) if rate else sent + 200
            for number in range(sent, due):
                await socket.send(frames[number % coins] % (number + 1), text=not is_upbit)
            sent = due
            await asyncio.sleep(SLICE_S if rate else 0)

    async with serve(handler, "127.0.0.1", WS_PORT, compression=None, ping_interval=None) as server:
        await server.serve_forever()


def sender(rate: int, coins: int) -> None:
    asyncio.run(send_for_ever(rate, coins))


def settings() -> VenueSettings:
    keys = SecretStr("a"), SecretStr("b")
    return VenueSettings(
        rest_url="http://127.0.0.1:1",
        ws_url=f"ws://127.0.0.1:{WS_PORT}",
        public_rest_url="http://127.0.0.1:1",
        public_ws_url=f"ws://127.0.0.1:{WS_PORT}",
        networks={},
        access_key=keys[0],
        secret_key=keys[1],
    )


async def measure(coins: int, seconds: float) -> None:
    clock = WallClock()
    bus = RedisTickBus(f"redis://127.0.0.1:{REDIS_PORT}/0")
    await bus.check_reading()
    streams = [UpbitStream(settings(), clock), BinanceStream(settings(), clock)]
    feeder = Feeder(streams, bus, {}, [Asset(f"C{n}") for n in range(coins)], clock)
    task = asyncio.create_task(feeder.run())
    await asyncio.sleep(2)
    before, cpu, started = feeder.totals.copy(), cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    took, cpu, done = time.perf_counter() - started, cpu_seconds() - cpu, feeder.totals - before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bus.close()
    ticks = done[Venue.UPBIT] + done[Venue.BINANCE]
    print(f"{ticks / took:9.0f} ticks/s   {done['published'] / took:9.0f} quotes/s published")
    print(f"{cpu / took:9.0%} of a core  {cpu / ticks * 1e6:8.1f} us of CPU per tick")
    print(f"lost frames {[dict(s.counts) for s in streams]}, rejected {done['rejected']}, failures {done['failures']}")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--coins", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(find_program().path), "--port", str(REDIS_PORT), "--save", "", "--dir", folder]
        redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        peer = multiprocessing.get_context("spawn").Process(target=sender, args=(args.rate, args.coins), daemon=True)
        peer.start()
        try:
            time.sleep(3)
            asyncio.run(measure(args.coins, args.seconds))
        finally:
            peer.kill()
            redis.kill()
            redis.wait()


if __name__ == "__main__":
    main()

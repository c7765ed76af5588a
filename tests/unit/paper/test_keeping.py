"""What a customer holds, has ordered and has sent outlives the process."""

import sqlite3
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, rule
from unit.paper.conftest import ManualClock
from unit.paper.test_conservation import Exchange

from kimp.domain.errors import BadConfig
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.orders import Force, Request
from kimp.paper.restoring import KeptWorld
from kimp.paper.transfer import TransferStep
from kimp.paper.world import World

D = Decimal


def kept(config: PaperConfig, path: Path) -> PaperConfig:
    return config.model_copy(update={"state_path": path / "paper.db"})


def buy(world: World, venue: Venue, symbol: str) -> str:
    instrument = world.instruments[venue, symbol]
    ask = world.book(instrument).ask
    return world.desks[venue].place(Request(instrument, Side.BUY, Force.NOW, "one", quantity=D(3), limit=ask)).uuid


def send(world: World) -> str:
    network = world.coins["XRP"].networks[0]
    target = world.addresses.of(Venue.BINANCE, "XRP", network.name)
    assert target is not None
    return world.transfers.withdraw(Venue.UPBIT, network, target, D(50), network.upbit_fee, None).uuid


def test_a_transfer_under_way_arrives_after_a_restart(config: PaperConfig, clock: ManualClock, tmp_path: Path) -> None:
    before = KeptWorld(kept(config, tmp_path), clock)
    order, sent = buy(before.world, Venue.UPBIT, "KRW-XRP"), send(before.world)
    before.close()
    after = KeptWorld(kept(config, tmp_path), clock)
    assert {venue: a.all() for venue, a in after.world.accounts.items()} == {
        v: a.all() for v, a in before.world.accounts.items()
    }
    assert (
        after.world.desks[Venue.UPBIT].by_uuid[order].facts() == before.world.desks[Venue.UPBIT].by_uuid[order].facts()
    )
    for _ in range(1_000):
        clock.ms += 1_000
        after.world.agenda.run_due()
    deposit = after.world.transfers.withdrawals[sent].deposit
    assert deposit is not None
    assert deposit.step is TransferStep.CREDITED
    assert after.world.accounts[Venue.BINANCE]["XRP"].free == D(10_050)
    after.close()


def test_what_was_answered_is_there_though_nobody_closed_the_file(
    config: PaperConfig, clock: ManualClock, tmp_path: Path
) -> None:
    before = KeptWorld(kept(config, tmp_path), clock)
    assert before.keeping is not None
    order = buy(before.world, Venue.BINANCE, "XRPUSDT")
    before.keeping.write()  # as every answer does
    (tmp_path / "copy").mkdir()
    for file in tmp_path.glob("paper.db*"):  # what kill -9 leaves
        (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
    after = KeptWorld(kept(config, tmp_path / "copy"), clock)
    assert order in after.world.desks[Venue.BINANCE].by_uuid
    after.close()
    before.close()


def test_an_order_is_found_by_its_client_id_after_a_restart(
    config: PaperConfig, clock: ManualClock, tmp_path: Path
) -> None:
    before = KeptWorld(kept(config, tmp_path), clock)
    order = buy(before.world, Venue.BINANCE, "XRPUSDT")
    before.close()
    after = KeptWorld(kept(config, tmp_path), clock)
    assert after.world.desks[Venue.BINANCE].by_client_id["XRPUSDT", "one"].uuid == order
    after.close()


def test_prices_go_on_where_they_were(config: PaperConfig, clock: ManualClock, tmp_path: Path) -> None:
    moving = config.model_copy(update={"market": SyntheticMarket(ticks_per_second=100, episode_every_s=0)})
    before = KeptWorld(kept(moving, tmp_path), clock)
    assert before.world.synthetic is not None
    for update in before.world.synthetic.advance(50_000):
        before.world.apply(update)
    last = before.world.book(before.world.instruments[Venue.BINANCE, "SOLUSDT"]).bid
    before.close()
    after = KeptWorld(kept(moving, tmp_path), clock)
    first = after.world.book(after.world.instruments[Venue.BINANCE, "SOLUSDT"]).bid
    assert abs(first / last - 1) < D("0.001")
    after.close()


def test_a_second_exchange_on_the_same_state_is_refused(
    config: PaperConfig, clock: ManualClock, tmp_path: Path
) -> None:
    first = KeptWorld(kept(config, tmp_path), clock)
    with pytest.raises(BadConfig, match="locked"):
        KeptWorld(kept(config, tmp_path), clock)
    first.close()


@pytest.mark.parametrize("damage", ["no database", "another version", "another form"])
def test_a_state_that_cannot_be_read_is_refused_with_the_way_out(
    config: PaperConfig, clock: ManualClock, tmp_path: Path, damage: str
) -> None:
    KeptWorld(kept(config, tmp_path), clock).close()
    path = tmp_path / "paper.db"
    if damage == "no database":
        path.write_bytes(b"no database at all" * 1_000)
    else:
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA user_version = 9" if damage == "another version" else "UPDATE kept SET value = '[]'")
        file.close()
    with pytest.raises(BadConfig, match="kimp paper reset"):
        KeptWorld(kept(config, tmp_path), clock)


def test_only_its_owner_may_read_it(config: PaperConfig, clock: ManualClock, tmp_path: Path) -> None:
    KeptWorld(kept(config, tmp_path), clock).close()
    assert (tmp_path / "paper.db").stat().st_mode & 0o077 == 0


class RestartedExchange(Exchange):
    """Whatever happens, a restart changes nothing, at any moment."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()
        self.open(self.world.config)

    def open(self, config: PaperConfig) -> None:
        self.kept = KeptWorld(kept(config, Path(self.folder.name)), self.clock)
        self.world = self.kept.world

    @rule()
    def restart(self) -> None:
        before = self.world
        self.kept.close()
        self.open(before.config)
        for venue, accounts in self.world.accounts.items():
            assert accounts.all() == before.accounts[venue].all()
            assert accounts.given() == before.accounts[venue].given()
            assert [o.facts() for o in self.world.desks[venue].open_orders()] == [
                o.facts() for o in before.desks[venue].open_orders()
            ]
        after = self.world.transfers
        assert {name: w.facts() for name, w in after.withdrawals.items()} == {
            name: w.facts() for name, w in before.transfers.withdrawals.items()
        }
        for coin in ("XRP", "SOL", "USDT"):
            held = after.till.withdrawable(Venue.BINANCE, coin)
            assert held == before.transfers.till.withdrawable(Venue.BINANCE, coin)

    @invariant()
    def a_deposit_belongs_to_one_withdrawal(self) -> None:
        origins = [d.withdrawal for d in self.world.transfers.deposits.values()]
        assert len(origins) == len(set(origins))

    def teardown(self) -> None:
        self.kept.close()
        self.folder.cleanup()


TestRestarts = RestartedExchange.TestCase
TestRestarts.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)

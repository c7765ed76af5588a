"""The steps of a transfer, one by one."""

from decimal import Decimal
from typing import Protocol

import pytest

from kimp.domain.venues import PAIR, Venue
from kimp.paper.accounts import InsufficientFunds
from kimp.paper.transfer import TransferStep, TransferVerdict, Withdrawal
from kimp.paper.wallets import WalletState
from kimp.paper.world import World

D = Decimal


class Clock(Protocol):
    ms: int


def send(world: World, venue: Venue, amount: str = "100") -> Withdrawal:
    network = world.coins["XRP"].networks[0]
    target = world.addresses.of(PAIR.other(venue), "XRP", network.name)
    assert target is not None
    fee = network.upbit_fee if venue is Venue.UPBIT else network.binance_fee
    return world.transfers.withdraw(venue, network, target, D(amount), fee, "id")


def until(world: World, clock: Clock, step: TransferStep, withdrawal: Withdrawal) -> None:
    for _ in range(10_000):
        clock.ms += 100
        world.agenda.run_due()
        reached = withdrawal.step is step or (withdrawal.deposit is not None and withdrawal.deposit.step is step)
        if reached:
            return
    raise AssertionError(f"{step} was never reached")


def test_upbit_locks_then_pays_and_binance_credits_in_two_steps(world: World, clock: Clock) -> None:
    sent = send(world, Venue.UPBIT)
    ours, theirs = world.accounts[Venue.UPBIT], world.accounts[Venue.BINANCE]
    assert (ours["XRP"].free, ours["XRP"].locked) == (D(9_899), D(101))
    until(world, clock, TransferStep.BROADCAST, sent)
    assert ours["XRP"].total == D(9_899)
    assert sent.txid
    until(world, clock, TransferStep.SEEN, sent)
    assert theirs["XRP"].free == D(10_000)
    until(world, clock, TransferStep.CONFIRMED, sent)
    assert theirs["XRP"].free == D(10_100)
    assert world.transfers.till.withdrawable(Venue.BINANCE, "XRP") == D(10_000)
    with pytest.raises(InsufficientFunds):
        send(world, Venue.BINANCE, "10050")
    until(world, clock, TransferStep.CREDITED, sent)
    assert world.transfers.till.withdrawable(Venue.BINANCE, "XRP") == D(10_100)


def test_binance_pays_at_once_and_upbit_credits_at_the_end(world: World, clock: Clock) -> None:
    sent = send(world, Venue.BINANCE)
    assert world.accounts[Venue.BINANCE]["XRP"].free == D("9899.8")
    until(world, clock, TransferStep.CONFIRMED, sent)
    assert world.accounts[Venue.UPBIT]["XRP"].free == D(10_000)
    until(world, clock, TransferStep.CREDITED, sent)
    assert world.accounts[Venue.UPBIT]["XRP"].free == D(10_100)
    assert sent.deposit is not None
    assert sent.deposit.txid == sent.txid


def test_times_are_those_of_the_chain(world: World, clock: Clock) -> None:
    started = clock.ms
    sent = send(world, Venue.UPBIT)
    until(world, clock, TransferStep.CREDITED, sent)
    assert 100 < (clock.ms - started) / 1000 < 240


def test_cancelled_ones_come_back_and_go_nowhere(world: World, clock: Clock) -> None:
    for venue in PAIR:
        sent = send(world, venue)
        assert world.transfers.cancel(sent)
        assert not world.transfers.cancel(sent)
        clock.ms += 3_600_000
        world.agenda.run_due()
        assert sent.step is TransferStep.CANCELLED
        assert world.accounts[venue]["XRP"].free == D(10_000)
    assert not world.transfers.deposits


def test_sending_wallet_that_closes_keeps_it_waiting(world: World, clock: Clock) -> None:
    sent = send(world, Venue.UPBIT)
    world.wallets.set(Venue.UPBIT, "XRP", WalletState.PAUSED)
    clock.ms += 3_600_000
    world.agenda.run_due()
    assert sent.step is TransferStep.ACCEPTED
    world.wallets.set(Venue.UPBIT, "XRP", WalletState.WORKING)
    until(world, clock, TransferStep.CREDITED, sent)


def test_hook_delays_a_step(world: World, clock: Clock) -> None:
    class Slow:
        asked = 0

        def accept(self, withdrawal: Withdrawal) -> None:
            pass

        def before(self, withdrawal: Withdrawal, step: TransferStep) -> TransferVerdict:
            if step is not TransferStep.CREDITED or self.asked >= 3:
                return TransferVerdict()
            self.asked += 1
            return TransferVerdict(wait_ms=1_000)

    world.transfers.hook = slow = Slow()
    until(world, clock, TransferStep.CREDITED, send(world, Venue.UPBIT))
    assert slow.asked == 3

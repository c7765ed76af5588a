"""What an account is like that no market shows: the wallet that coins are in, and what its region's rules ask."""

from decimal import Decimal

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from contract.venues.bench import XRP, Bench, eventually, first_deposit
from fakes.intents import NEVER

from kimp.adapters.binance.parse import IN_FUNDING
from kimp.contracts.transfers import TransferState
from kimp.domain.errors import Unavailable
from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import VenueDeposit


class ToFunding:
    """A hook: Binance credits the funding wallet, whatever the spot wallet holds."""

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.path.endswith("/capital/deposit/hisrec") and isinstance(response, web.Response):
            response.text = (response.text or "").replace('"walletType":0', '"walletType":1')
        return response


class TestFunding:
    @pytest.fixture
    def venue(self) -> Venue:
        """Binance receives."""
        return Venue.UPBIT

    async def test_coins_in_the_funding_wallet_are_waited_for(self, bench: Bench, paper: PaperExchange) -> None:
        spot = paper.world.accounts[Venue.BINANCE]
        paper.binance_seam.hook = ToFunding()
        sent = await bench.exchange.withdraw(await bench.withdrawal("100"), send_by_ms=NEVER)

        async def txid_of() -> str | None:
            return (await bench.exchange.withdrawal(XRP, sent.venue_id)).txid

        txid = await eventually(txid_of)

        async def funded() -> VenueDeposit | None:
            spot.lock(XRP, spot[XRP].free, "not there")
            found = await first_deposit(bench, XRP, txid)
            return found if found and found.detail == IN_FUNDING else None

        assert (await eventually(funded)).state is TransferState.PENDING
        spot.unlock(XRP, Decimal(100), "moved")
        moved = await first_deposit(bench, XRP, txid)
        assert moved is not None
        assert moved.state is TransferState.DONE


class TestQuestionnaire:
    @pytest.fixture
    def venue(self) -> Venue:
        return Venue.BINANCE

    @pytest.fixture
    def config(self, config: PaperConfig) -> PaperConfig:
        return config.model_copy(update={"binance_questionnaire": "KR"})

    async def test_nothing_leaves_and_the_wallet_says_so_before_anything_is_bought(self, bench: Bench) -> None:
        rules = await bench.exchange.rules([XRP])
        assert [(network.withdraw_open, network.deposit_open) for network in rules.networks] == [(False, True)]
        assert not (await bench.exchange.network(XRP)).withdraw_open

    async def test_a_withdrawal_that_is_asked_for_all_the_same_waits_for_a_person(self, bench: Bench) -> None:
        with pytest.raises(Unavailable, match="answer for this address on Binance's web page") as caught:
            await bench.exchange.withdraw(await bench.withdrawal("100"), send_by_ms=NEVER)
        assert caught.value.code == "-4104"
        assert not bench.paper.world.transfers.withdrawals

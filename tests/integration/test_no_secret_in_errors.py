"""What the adapters' errors tell, and hang on to, holds no key: as a log shows them, and as a history holds them."""

import base64
import logging
import traceback
from collections.abc import Awaitable, Iterator
from decimal import Decimal

import pytest
from fakes import intents
from fakes.canaries import Canaries, canary
from fakes.intents import NEVER
from pydantic import SecretStr
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.failures import as_failure
from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.parts import open_venue
from kimp.config import Settings, VenueSettings, load
from kimp.contracts.transfers import Address
from kimp.domain.errors import KeyRefused, KimpError, OutcomeUnknown, Unavailable
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig, PaperKeyPair, SyntheticMarket
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import Exchange

XRP = Asset("XRP")
"""No deadline."""
SECRETS = {f"{venue} {kind}": canary(f"{venue}{kind}") for venue in PAIR for kind in ("access", "secret")}
CANARIES = Canaries(SECRETS)
Errors = list[KimpError]


def _keys(venue: Venue) -> PaperKeyPair:
    return PaperKeyPair(access=SecretStr(SECRETS[f"{venue} access"]), secret=SecretStr(SECRETS[f"{venue} secret"]))


def _at(port: int, keys: PaperKeyPair, settings: VenueSettings) -> VenueSettings:
    url = f"http://127.0.0.1:{port}"
    return settings.model_copy(update={"rest_url": url, "access_key": keys.access, "secret_key": keys.secret})


def _settings(ports: dict[Venue, int]) -> Settings:
    settings = load()
    return settings.model_copy(
        update={venue: _at(port, _keys(venue), settings.venue(venue)) for venue, port in ports.items()}
    )


def _calls(exchange: Exchange, venue: Venue, network: str) -> Iterator[Awaitable[object]]:
    """All that needs a key."""
    to = Address(network=network, address="rSomewhere", tag="1")
    order = intents.order(venue=venue, quantity=Decimal(10), limit_price=Decimal(3000))
    leaving = intents.withdrawal(
        direction=next(direction for direction in PAIR.directions if direction.source is venue),
        amount=Decimal(10),
        network=network,
        address=to,
    )
    yield exchange.balances()
    yield exchange.place_order(order, send_by_ms=NEVER)
    yield exchange.find_order(XRP, order.client_order_id)
    yield exchange.deposit_address(XRP)
    yield exchange.withdraw(leaving, send_by_ms=NEVER)


async def _errors(settings: Settings, venue: Venue) -> Errors:
    """What each call fails with; it is a failure of the test if one does not."""
    errors: Errors = []
    exchange = open_venue(settings, venue)
    try:
        for call in _calls(exchange, venue, settings.venue(venue).networks[XRP]):
            with pytest.raises(KimpError) as failed:
                await call
            errors.append(failed.value)
    finally:
        await exchange.close()
    return errors


async def _reported(errors: Errors) -> dict[str, bytes]:
    sources: dict[str, bytes] = {}
    for error in errors:
        shown = "".join(traceback.format_exception(error))
        sources[f"{error!r} in a log"] = f"{shown}\n{error!r}\n{vars(error)}".encode()
        failure = Failure()
        await pydantic_data_converter.encode_failure(as_failure(error), failure)
        sources[f"{error!r} in a history"] = failure.SerializeToString()
    return sources


@pytest.mark.parametrize("venue", PAIR)
async def test_of_a_refused_key(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    """The paper exchange knows other keys, so the ones that are sent are wrong."""
    config = PaperConfig(upbit_port=0, binance_port=0, admin_port=0, market=SyntheticMarket(ticks_per_second=0))
    with caplog.at_level(logging.DEBUG):
        async with PaperExchange(config) as paper:
            errors = await _errors(_settings({Venue.UPBIT: paper.upbit_port, Venue.BINANCE: paper.binance_port}), venue)
    assert {type(error) for error in errors} == {KeyRefused}
    assert CANARIES.found(await _reported(errors) | {"log at its most talkative": caplog.text.encode()}) == []


@pytest.mark.parametrize("venue", PAIR)
async def test_of_a_venue_that_does_not_answer(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        errors = await _errors(_settings(dict.fromkeys(PAIR, free_port())), venue)
    assert {type(error) for error in errors} <= {Unavailable, OutcomeUnknown}
    assert CANARIES.found(await _reported(errors) | {"log at its most talkative": caplog.text.encode()}) == []


async def test_a_planted_one_is_found() -> None:
    leaky = Unavailable(f"GET /api?key={SECRETS['binance access']}", venue=Venue.BINANCE)
    assert len(CANARIES.found(await _reported([leaky]))) == 2


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_canary_is_found_in_disguise(before: str) -> None:
    hidden = canary("Hidden")
    cage = Canaries({"hidden": hidden})
    raw = f"{before}{hidden}, and more".encode()
    assert cage.found({"log": b"none of it"}) == []
    for disguised in (raw, base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex().encode()):
        assert cage.found({"log": disguised})

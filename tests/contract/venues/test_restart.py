"""What a venue was told before the paper exchange stopped, it knows by the same names after it was started again."""

from decimal import Decimal
from pathlib import Path

from contract.venues.bench import XRP, Bench, adapter, settings_of
from fakes.intents import NEVER

from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import VenueOrder

NAME = "XRP-1-1S1-1"


async def test_an_order_whose_answer_was_lost_is_found_by_its_name(
    config: PaperConfig, venue: Venue, tmp_path: Path
) -> None:
    kept = config.model_copy(update={"state_path": tmp_path / "paper.db"})
    orders: list[VenueOrder | None] = []
    for start in ("first", "again"):
        async with PaperExchange(kept) as paper:
            bench = Bench(venue, paper, {one: adapter(settings_of(paper, one), one) for one in PAIR})
            if start == "first":
                price = (await bench.exchange.market(XRP)).quote.ask
                await bench.exchange.place_order(await bench.intent(NAME, Decimal(100), price), send_by_ms=NEVER)
            orders.append(await bench.exchange.find_order(XRP, NAME))
            for exchange in bench.exchanges.values():
                await exchange.close()
    assert orders[0] is not None
    assert orders[0].fills
    assert orders[0] == orders[1]

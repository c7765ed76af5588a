"""Hands the auditor its evidence, and everything that only a running kimp can tell."""

import json
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from chaos.auditor.collecting import read_journal, read_tables, read_workflows
from chaos.auditor.evidence import Caps, Circumstances, Evidence, Place, Unread
from chaos.harness.commands import Refused, kimp_json
from chaos.harness.ground import JOURNAL, NOTIONAL_KRW, Ground
from chaos.harness.market import PREMIUM
from chaos.harness.operators import Operators
from fakes.canaries import database, files, histories, redis
from temporalio.client import Client

from kimp.bootstrap.parts import bus_url
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig

ORDER_CAP_KRW = Decimal(NOTIONAL_KRW) * Decimal("1.5")
"""A cycle's cash, and room for what it earned and for the limit's slippage."""
KRW_PER_USDT = Decimal(1475)
REPLAY_S = 900


async def gather(
    ground: Ground, temporal: Client, settled_s: float | None, limit_s: float, operators: Operators
) -> Evidence:
    """Read everything, past every proxy."""
    address = temporal.service_client.config.target_host
    saved = ground.folder / "evidence" / "histories"
    return Evidence(
        workflows=await read_workflows(address, temporal.namespace),
        tables=await read_tables(ground.settings.sql_url),
        journal=read_journal(ground.folder / JOURNAL),
        differences=await _replay(ground, saved),
        leaks=await _leaks(ground, temporal),
        circumstances=Circumstances(
            allowed=await _allowed(ground),
            order_cap_krw=ORDER_CAP_KRW,
            krw_per_usdt=KRW_PER_USDT,
            settled_s=settled_s,
            settle_limit_s=limit_s,
            decided=dict(operators.decided),
            terminated=dict(operators.terminated),
            read_ms=time.time_ns() // 1_000_000,
            caps=_caps(ground),
            compensation_loss_limit=ground.settings.trading.compensation_loss_limit,
            max_quote_age_ms=ground.settings.trading.max_quote_age_ms,
            price_band=ground.settings.trading.price_band,
            price_step=Decimal(str(2 * PREMIUM[1])),
            fee_rates=_fees(),
        ),
    )


async def _replay(ground: Ground, saved: Path) -> Sequence[str] | Unread:
    try:
        reported = await kimp_json(
            ground, "replay", "--from-server", "--save", str(saved), within_s=REPLAY_S, code=None
        )  # fmt: skip
    except (Refused, json.JSONDecodeError) as failure:
        return Unread(f"kimp replay: {failure}")
    return [f"{row['source']}: {row['differences']}" for row in reported["histories"] if not row["clean"]]


async def _leaks(ground: Ground, temporal: Client) -> Sequence[str]:
    """In all that kimp writes and tells; the venue's own journal is not among it, and names each request by its key."""
    sources = dict(ground.outputs) | await histories(temporal) | await database(ground.settings.sql_url)
    sources |= await redis(bus_url(ground.settings))
    sources |= files([ground.folder / name for name in ("data", "lives", "evidence")])
    return ground.canaries.found(sources)


def _caps(ground: Ground) -> Caps:
    caps = ground.settings.caps
    return Caps(caps.open_cycles, caps.day_krw, caps.cycles_per_minute, caps.losses_in_a_row, caps.day_loss_krw)


def _fees() -> dict[str, Decimal]:
    """As the paper exchange publishes them by default."""
    paper = PaperConfig()
    return {Venue.UPBIT: paper.upbit_fee, Venue.BINANCE: paper.binance_fee}


async def _allowed(ground: Ground) -> dict[tuple[str, str], Place]:
    """What is sent from a venue must reach the other one's own address."""
    places = await ground.paper.places()
    return {(venue, coin): place for venue in PAIR for coin, place in places[PAIR.other(venue)]}

"""Evidence in a folder, so that a verdict can be looked into, and given again, long after the servers are gone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from chaos.auditor.evidence import Call, Caps, Circumstances, Evidence, Place, Row, Unread, Workflow, optional

SOURCES = ("journal", "tables", "workflows", "differences", "leaks")


def save(evidence: Evidence, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        source = getattr(evidence, name)
        if isinstance(source, Unread):
            kept: object = {"unread": source.why}
        else:
            kept = [asdict(workflow) for workflow in source] if name == "workflows" else source
        _write(folder / f"{name}.json", kept)
    reported = asdict(evidence.circumstances)
    reported["allowed"] = [[*key, place] for key, place in reported["allowed"].items()]
    _write(folder / "circumstances.json", reported)


def load(folder: Path) -> Evidence:
    """Raises OSError, ValueError or KeyError for a folder that `save` has not written."""
    return Evidence(
        journal=_read(folder, "journal"),
        tables=_read(folder, "tables"),
        workflows=_workflows(_read(folder, "workflows")),
        differences=_read(folder, "differences"),
        leaks=_read(folder, "leaks"),
        circumstances=_circumstances(_parsed(folder / "circumstances.json")),
    )


def _write(path: Path, kept: object) -> None:
    path.write_text(json.dumps(kept, default=str, ensure_ascii=False))


def _parsed(path: Path) -> Any:
    return json.loads(path.read_text(), parse_float=Decimal)


def _read(folder: Path, name: str) -> Any:
    kept = _parsed(folder / f"{name}.json")
    return Unread(kept["unread"]) if isinstance(kept, dict) and kept.keys() == {"unread"} else kept


def _workflows(kept: Sequence[Mapping[str, Any]] | Unread) -> Sequence[Workflow] | Unread:
    if isinstance(kept, Unread):
        return kept
    return [
        Workflow(**{**row, "calls": tuple(Call(**call) for call in row["calls"]), "brought": tuple(row["brought"])})
        for row in kept
    ]


def _circumstances(kept: Row) -> Circumstances:
    return Circumstances(
        allowed={(venue, coin): Place(**place) for venue, coin, place in kept["allowed"]},
        order_cap_krw=Decimal(kept["order_cap_krw"]),
        krw_per_usdt=Decimal(kept["krw_per_usdt"]),
        settled_s=None if kept["settled_s"] is None else float(kept["settled_s"]),
        settle_limit_s=float(kept["settle_limit_s"]),
        decided=kept["decided"],
        terminated=kept["terminated"],
        read_ms=kept.get("read_ms"),
        caps=_caps(kept.get("caps")),
        compensation_loss_limit=optional(kept.get("compensation_loss_limit")),
        max_quote_age_ms=kept.get("max_quote_age_ms"),
        price_band=optional(kept.get("price_band")),
        price_step=Decimal(kept.get("price_step", 0)),
        fee_rates={venue: Decimal(rate) for venue, rate in kept.get("fee_rates", {}).items()},
    )


def _caps(kept: Row | None) -> Caps | None:
    if kept is None:
        return None
    amounts = {name: Decimal(kept[name]) for name in ("day_krw", "day_loss_krw")}
    return Caps(**{**kept, **amounts})

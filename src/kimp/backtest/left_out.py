"""Rows that are not taken: each is counted under its reason and told by its line."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

NAMED = 5
"""Lines, or whose rows they are, that are kept of each reason."""
MOST_NAMES = 1_000


@dataclass(slots=True)
class LeftOutRows:
    rows: int = 0
    examples: list[str] = field(default_factory=list)
    """What the first of these rows said, with its line."""
    whose: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class LeftOut:
    """Of one file."""

    reasons: dict[str, LeftOutRows] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(reason.rows for reason in self.reasons.values())

    def take(self, bad: pl.DataFrame) -> None:
        """`bad`: line, reason and detail of each row."""
        for (name,), rows in bad.partition_by("reason", as_dict=True, maintain_order=True).items():
            reason = self.reasons.setdefault(str(name), LeftOutRows())
            reason.rows += rows.height
            for line, detail in rows.select("line", "detail").head(NAMED - len(reason.examples)).iter_rows():
                reason.examples.append(f"line {line}: {detail}")
            for whose, count in rows["detail"].value_counts().iter_rows():
                known = whose in reason.whose or len(reason.whose) < MOST_NAMES
                reason.whose[whose if known else "others"] += count

    def lines(self) -> Iterator[str]:
        for name, reason in sorted(self.reasons.items(), key=lambda item: -item[1].rows):
            if name in BY_NAME:
                most = [f"{whose} {count:,}" for whose, count in reason.whose.most_common(NAMED)]
                more = ", ..." if len(reason.whose) > NAMED else ""
                yield f"{reason.rows:,} rows {name}: {', '.join(most)}{more}; first at {reason.examples[0]}"
            else:
                more = "; ..." if reason.rows > len(reason.examples) else ""
                yield f"{reason.rows:,} rows {name}: {'; '.join(reason.examples)}{more}"


OF_VENUES = "of venues that are not read"
OF_MARKETS = "of markets that are not read"
BY_NAME = frozenset({OF_VENUES, OF_MARKETS})
"""Nothing is wrong with these rows: whose they are says more than where they stand."""

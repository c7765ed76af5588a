"""`kimp init`: a few questions, then a `kimp.toml` that is valid."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from kimp.bootstrap.doctor import venue_keys_serve
from kimp.cli.terminal import ask as ask_for
from kimp.cli.terminal import confirm, report_error, report_outcome
from kimp.config import KeyPair, Settings
from kimp.config.loading import settings_of
from kimp.config.writing import toml_of, write_private
from kimp.domain.arming import TradingMode
from kimp.domain.errors import BadConfig, BadInput, KimpError
from kimp.domain.keys import Right
from kimp.domain.money import decimal
from kimp.domain.venues import PAIR, Venue
from kimp.observability.clean import write_line

SOURCE = "your answer"
T = TypeVar("T")
HUNDRED = Decimal(100)
MEANING = {
    Right.READ: "may read only: feeder, and commands that look",
    Right.TRADE: "may read and trade: initiators and workers of orders",
    Right.WITHDRAW: "may read and withdraw: workers of transfers only",
}
PAPER_NEXT = "`kimp up` runs everything with paper money"
REAL_NEXT = (
    "coins leave a venue only to addresses that you allow: register each on the venue's web page, and write it into"
    " upbit.withdraw_to and binance.withdraw_to; then `kimp config check` and `kimp doctor`. mode is observe: `kimp"
    " feeder` and `kimp initiator` look and send nothing; docs/going-live.md says how real money is let in"
)


@dataclass
class Given:
    """What the command line says; None: ask, or take the default where nobody can be asked."""

    real: bool | None
    coins: str | None
    notional_krw: str | None
    threshold_percent: str | None


@dataclass
class Answers:
    """All that is asked for."""

    real: bool
    trading: dict[str, Any] = field(default_factory=dict)
    typed: dict[tuple[Venue, Right], KeyPair] = field(default_factory=dict)
    """Keys that go into the file."""
    around: dict[tuple[Venue, Right], KeyPair] = field(default_factory=dict)
    """Keys that the environment holds, and goes on to hold."""

    def tree(self, keys: Mapping[tuple[Venue, Right], KeyPair]) -> dict[str, Any]:
        if not self.real:
            return {"trading": self.trading}
        tree: dict[str, Any] = {"mode": TradingMode.OBSERVE.value, "trading": self.trading}
        for venue in PAIR:
            rest_url, ws_url = type(Settings().venue(venue)).LIVE_URLS
            tree[venue] = {"rest_url": rest_url, "ws_url": ws_url}
            own = {right.value: _plain(pair) for (of, right), pair in keys.items() if of == venue}
            if own:
                tree[venue]["keys"] = own
        return tree


def answers_to(given: Given, *, ask: bool) -> Answers:
    """`ask`: a person sits there. Raises BadInput or ConfigProblems for an option that is no use."""
    real = _ask_real() if given.real is None and ask else bool(given.real)
    usual = Settings().trading
    coins, percent = ",".join(usual.coins), f"{usual.threshold * HUNDRED:f}".rstrip("0")
    answers = Answers(
        real,
        {
            "coins": _answer(given.coins, ask, "Coins to trade", coins, _coins),
            "threshold": _answer(
                given.threshold_percent, ask, "Least profit of a cycle, in percent of its cash", percent, _threshold
            ),
            "notional_krw": _answer(
                given.notional_krw, ask, "Most won that a cycle starts with", f"{usual.notional_krw:f}", _notional
            ),
        },
    )
    if real:
        answers.around = _environment_keys()
        answers.typed = _ask_keys(answers.around) if ask else {}
    return answers


async def check_and_write(answers: Answers, into: Path, *, as_json: bool) -> None:
    """Raises ConfigProblems or BadConfig, with nothing written, for a key that its process would refuse to run with."""
    settings = settings_of(answers.tree(answers.typed | answers.around), SOURCE)
    checked = [await _checked(settings, venue, answers) for venue in PAIR] if answers.real else []
    write_private(into, toml_of(answers.tree(answers.typed)))
    text = "\n".join([*checked, f"wrote {into}, which only you can read; {REAL_NEXT if answers.real else PAPER_NEXT}"])
    report_outcome(text, {"file": str(into), "real": answers.real, "keys": checked}, as_json=as_json)


def _ask_real() -> bool:
    write_line("Paper money needs nothing more. The real venues need keys of yours, which are asked for and checked.")
    return confirm("Real venues?")


def _answer(given: str | None, ask: bool, question: str, default: str, parse: Callable[[str], T]) -> T:  # noqa: FBT001
    """What the command line says, else what the person says, asked again while it is no use."""
    if given is not None or not ask:
        return parse(default if given is None else given)
    while True:
        try:
            return parse(ask_for(question, default))
        except KimpError as error:
            report_error(str(error))


def _coins(text: str) -> list[str]:
    return _accepted("coins", [coin.strip().upper() for coin in text.split(",")])


def _threshold(text: str) -> str:
    try:
        percent = decimal(text.removesuffix("%").strip())
    except BadInput as error:
        raise BadInput(f"least profit in percent: {error}; write it like 0.4") from None
    return _accepted("threshold", f"{(percent / HUNDRED).normalize():f}")


def _notional(text: str) -> str:
    return _accepted("notional_krw", text.replace(",", "").strip())


def _accepted(name: str, value: T) -> T:
    settings_of({"trading": {name: value}}, SOURCE)
    return value


def _environment_keys() -> dict[tuple[Venue, Right], KeyPair]:
    found = {}
    for venue in PAIR:
        for right in Right:
            begin = f"KIMP_{venue.upper()}__KEYS__{right.value.upper()}__"
            access, secret = (os.environ.get(f"{begin}{half}_KEY") for half in ("ACCESS", "SECRET"))
            if access and secret:
                found[venue, right] = KeyPair.model_validate({"access_key": access, "secret_key": secret})
    return found


def _ask_keys(around: Mapping[tuple[Venue, Right], KeyPair]) -> dict[tuple[Venue, Right], KeyPair]:
    typed = {}
    write_line("A key for each right, so that no process holds a right that it does not use. Enter alone: later.")
    for venue in PAIR:
        for right in Right:
            if (venue, right) in around:
                write_line(f"{venue} {right.value}: from the environment, not written into the file")
                continue
            access = ask_for(f"{venue} {right.value} key ({MEANING[right]})")
            if access:
                secret = ask_for("  its secret, not shown", secret=True)
                typed[venue, right] = KeyPair.model_validate({"access_key": access, "secret_key": secret})
    return typed


async def _checked(settings: Settings, venue: Venue, answers: Answers) -> str:
    """What the venue says of the keys. One that can't be asked now keeps no file from being written."""
    rights = [right for of, right in answers.typed | answers.around if of == venue]
    if not rights:
        return f"{venue}: no key yet"
    try:
        return f"{venue}: {await venue_keys_serve(settings, venue, rights)}"
    except BadConfig:
        raise
    except KimpError as error:
        return f"{venue}: keys not checked: {error}"


def _plain(pair: KeyPair) -> dict[str, str]:
    return {"access_key": pair.access_key.get_secret_value(), "secret_key": pair.secret_key.get_secret_value()}

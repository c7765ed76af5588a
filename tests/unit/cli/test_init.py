"""`kimp init` asks little, and writes only what is valid, for its owner alone."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.cli import init
from kimp.cli.init import Given, answers_to, check_and_write
from kimp.config.loading import ConfigProblems, settings_of
from kimp.config.writing import require_new, toml_of, write_private
from kimp.domain.errors import BadConfig, BadInput, Unavailable
from kimp.domain.keys import Right
from kimp.domain.venues import Venue

NOTHING = Given(None, None, None, None)
REAL = Given(True, "xrp, sol", "3,000,000", "0.6 %")  # noqa: FBT003 - as typer gives it


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for half in ("ACCESS", "SECRET"):
        monkeypatch.setenv(f"KIMP_UPBIT__KEYS__READ__{half}_KEY", f"around-{half}-key-of-some-length")


async def test_without_answers_it_is_paper_money_and_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "kimp.toml"
    await check_and_write(answers_to(NOTHING, ask=False), file, as_json=True)
    assert file.stat().st_mode & 0o777 == 0o600
    reported = tomllib.loads(file.read_text())
    assert settings_of(reported, "file") == settings_of({}, "defaults")
    assert list(reported) == ["trading"]


async def test_options_are_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kimp.toml"
    await check_and_write(answers_to(REAL, ask=False), file, as_json=True)
    reported = settings_of(tomllib.loads(file.read_text()), "file")
    assert list(reported.trading.coins) == ["XRP", "SOL"]
    assert str(reported.trading.threshold) == "0.006"
    assert reported.trading.notional_krw == 3_000_000
    assert all(reported.venue(venue).is_live for venue in (Venue.UPBIT, Venue.BINANCE))
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["result"]["keys"] == ["upbit: no key yet", "binance: no key yet"]


@pytest.mark.parametrize("wrong", [Given(None, "x r p", None, None), Given(None, None, "1", None)])
def test_an_option_that_is_no_use_is_refused(wrong: Given) -> None:
    with pytest.raises(ConfigProblems, match="your answer"):
        answers_to(wrong, ask=False)


def test_a_question_is_asked_again_until_the_answer_is_of_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = iter(["400", "much", "0.5"])
    monkeypatch.setattr(init, "ask_for", lambda *_words, **_options: next(message))
    given = Given(real=False, coins="XRP", notional_krw="1000000", threshold_percent=None)
    assert answers_to(given, ask=True).trading["threshold"] == "0.005"
    assert capsys.readouterr().err.count("kimp:") == 2


async def test_keys_are_asked_for_checked_and_written_but_not_those_of_the_environment(
    keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {"upbit trade": "typed-trade-key-of-some-length", "  its": 'sec"ret\\of-some-length'}
    monkeypatch.setattr(
        init,
        "ask_for",
        lambda words, *_default, **_options: next((t for b, t in typed.items() if words.startswith(b)), ""),
    )
    asked = []

    async def serve(_settings: object, venue: Venue, rights: list[Right]) -> str:
        asked.append((venue, set(rights)))
        return "fine"

    monkeypatch.setattr(init, "venue_keys_serve", serve)
    file = tmp_path / "kimp.toml"
    await check_and_write(answers_to(REAL, ask=True), file, as_json=True)
    assert asked == [(Venue.UPBIT, {Right.READ, Right.TRADE})]
    assert tomllib.loads(file.read_text())["upbit"]["keys"] == {
        "trade": {"access_key": typed["upbit trade"], "secret_key": typed["  its"]}
    }


async def test_a_key_that_is_refused_leaves_no_file_and_a_venue_that_is_away_does(
    keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kimp.toml"

    async def refuse(*_: object) -> str:
        raise BadConfig("the key may withdraw")

    monkeypatch.setattr(init, "venue_keys_serve", refuse)
    with pytest.raises(BadConfig, match="may withdraw"):
        await check_and_write(answers_to(REAL, ask=False), file, as_json=False)
    assert not file.exists()

    async def away(*_: object) -> str:
        raise Unavailable("no route", venue=Venue.UPBIT)

    monkeypatch.setattr(init, "venue_keys_serve", away)
    await check_and_write(answers_to(REAL, ask=False), file, as_json=False)
    assert "upbit: keys not checked: " in capsys.readouterr().out


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "kimp.toml").write_text("mine")
    with pytest.raises(BadInput, match="is there already; --replace"):
        require_new(tmp_path / "kimp.toml")


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot write .*No such file or directory.*--into"):
        write_private(tmp_path / "none" / "kimp.toml", "x")


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
PRINTABLE = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"))
VALUES = PRINTABLE | st.integers(-(2**40), 2**40) | st.lists(PRINTABLE, max_size=3)


INNER = st.dictionaries(NAMES, VALUES, min_size=1, max_size=2)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES | INNER, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read_as_it_was(tree: dict[str, object]) -> None:
    assert tomllib.loads(toml_of(tree)) == tree

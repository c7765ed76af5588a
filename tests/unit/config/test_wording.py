"""Problems are told without words of Python, and without the value."""

from typing import Any

import pytest
from pydantic import ValidationError

from kimp.bootstrap.paper import PaperSettings
from kimp.config import Settings, Sourced
from kimp.config.wording import sentence


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (Settings, {"trading": {"coins": "wrong"}}, 'it is no list; write it like ["XRP","SOL"]'),
        (Settings, {"trading": {"threshold": "wrong"}}, "it is no number like 0.006 or 2000000"),
        (Settings, {"trading": {"threshold": "2"}}, "it should be less than or equal to 0.2"),
        (Settings, {"trading": {"cooldown_s": "wrong"}}, "it is no whole number"),
        (Settings, {"trading": "wrong"}, "it is no table of settings"),
        (Settings, {"codec_server": {"token": "wrong"}}, "it is too short; make it at least 16 long"),
        (Settings, {"deploy": {"versioned": "wrong"}}, "write true or false"),
        (Settings, {"observability": {"log_format": "wrong"}}, "write 'auto', 'json' or 'pretty'"),
        (
            PaperSettings,
            {"paper": {"market": {"kind": "wrong"}}},
            "its 'kind' must be one of 'synthetic', 'replay', 'live'",
        ),
        (PaperSettings, {"paper": {"market": {}}}, "it lacks 'kind'"),
    ],
)
def test_a_problem_in_words(kind: type[Sourced], given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        kind(**given)
    assert [sentence(detail) for detail in error.value.errors()] == [words]

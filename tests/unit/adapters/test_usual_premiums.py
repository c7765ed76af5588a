"""Usual premiums in Redis: what is written is read, and nothing else is believed."""

import pytest
from fakes.market import TRX, XRP, d

from kimp.adapters.redis.premiums import decode_premiums, encode_premiums
from kimp.domain.errors import BadMessage


def test_what_is_written_is_read() -> None:
    reported = {XRP: d("0.010611"), TRX: d("-0.000343")}
    assert decode_premiums(encode_premiums(reported)) == reported


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"version":1,"premiums":{"XRP":"NaN"}}',
        b'{"version":1,"premiums":{"XRP":"11"}}',
        b'{"version":1,"premiums":{"XRP":"1e-99"}}',
        b'{"version":1,"premiums":{"' + b"X" * 21 + b'":"0"}}',
        b'{"version":2,"premiums":{}}',
        b'{"version":1,"premiums":' + b"[" * 10_000,
    ],
)
def test_what_can_not_be_true_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(BadMessage) as refused:
        decode_premiums(data)
    assert "usual premiums in Redis" in str(refused.value)
    assert "\n" not in str(refused.value)

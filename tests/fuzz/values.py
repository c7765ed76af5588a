"""Words, numbers and names that parsers stumble over."""


class Raw(str):
    """Goes into JSON as it stands, without quotes."""

    __slots__ = ()


NUMBERS = (
    "0", "-0", "-1", "1", "0.1", "1e-8", "1E+18", "1.00000001E+18", "1e-18", "9e-19", "1E+999999", "1E-999999",
    "0E+999999", "0E-999999", "1E+999999999999999999", "1E-999999999999999999", "-1E+30", "NaN", "sNaN", "-NaN",
    "Infinity", "-Infinity", "nan", "inf", "1_000", "1,000.5", "+5", "0x10", "\uff11", "", " ", "1 ", "9" * 400,
    "0." + "0" * 300 + "1", "1." + "9" * 300, "1" + "0" * 5_000, str(2**31), str(2**53), str(2**63), str(2**64),
    str(-(2**63) - 1), "253402300800000", "-62135596800001", "9999999999999", "10000000000000",
)  # fmt: skip
TEXTS = (
    "true", "null", "\x00", "\n", "\r\n\r\n", "\x1b[2J", "\u202e", "\u200b", "\ud800", "é", "XRP\n", "xrp", "../../x",
    "A" * 300, "A" * 5_000, "%s%s%n", "{0}", "{x}", "<script>", "<" * 500, "'\"`", "\\", "KRW-", "-", "USDT", "KRW",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "2026-01-31 08:00:00",
    "2026-01-31T08:00:00", "0000-00-00", "24:00", "999999999", "done", "DONE", "CANCELLED", "working", "TRADING",
    "upbit", "binance", "kraken",
)  # fmt: skip
KEYS = ("", "x", "error", "code", "name", "price", "__class__", "\ud800", "A" * 300, "0", "success", "msg")
VALUES: tuple[object, ...] = (
    *(Raw(number) for number in NUMBERS if number.strip()),
    *NUMBERS,
    *TEXTS,
    *(Raw(word) for word in ("true", "false", "null", "[]", "{}", '"', "", "[[[[[[[[[[[[[[[[", "\\ud800")),
    Raw("[" * 2_000 + "]" * 2_000),
    Raw('{"a":' * 2_000 + "1" + "}" * 2_000),
)

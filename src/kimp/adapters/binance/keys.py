"""What Binance's key may do, as Binance itself tells it (wallet docs, account/apiRestrictions). Pure."""

from typing import Any

from kimp.contracts.ranges import LAST_MS
from kimp.domain.errors import BadMessage
from kimp.domain.keys import KeyFacts, Right

RIGHTS = {
    "enableReading": Right.READ,
    "enableSpotAndMarginTrading": Right.TRADE,
    "enableWithdrawals": Right.WITHDRAW,
}
ONLY_LOOKS = frozenset({"enableFixReadOnly"})
UNBOUND = "works from every IP address; bind it to yours"


def key_facts(content: Any) -> KeyFacts:
    """Every right that Binance has or will ever add counts as one. Raises BadMessage for any other shape."""
    if not isinstance(content, dict) or not all(isinstance(content.get(name), bool) for name in RIGHTS):
        raise BadMessage("key rights: not told")
    granted = [name for name, value in content.items() if value is True and name.startswith(("enable", "permits"))]
    expires = content.get("tradingAuthorityExpirationTime")
    known = isinstance(expires, int) and not isinstance(expires, bool) and 0 <= expires <= LAST_MS
    return KeyFacts(
        rights=frozenset(RIGHTS[name] for name in granted if name in RIGHTS),
        others=tuple(sorted(set(granted) - RIGHTS.keys() - ONLY_LOOKS)),
        expires_ms=expires if known else None,
        warnings=() if content.get("ipRestrict") is True else (UNBOUND,),
    )

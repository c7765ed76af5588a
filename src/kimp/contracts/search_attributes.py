"""What people can search cycles by in the Temporal Web UI. Never encrypted, so nothing secret belongs here.

Where histories are encrypted, a cycle is `discreet`: it has no amounts here, and `WITHHELD` in the place of a reason.
"""

from temporalio.common import SearchAttributeKey

KIMP_STATUS = SearchAttributeKey.for_keyword("KimpStatus")
KIMP_COIN = SearchAttributeKey.for_keyword("KimpCoin")
KIMP_DIRECTION = SearchAttributeKey.for_keyword("KimpDirection")
KIMP_REASON = SearchAttributeKey.for_keyword("KimpReason")
"""Why a cycle waits, was rejected or is parked."""
WITHHELD = "withheld"
"""Still found by `KimpReason IS NOT NULL`; the reason itself is in the cycle's details and in the read model."""
KIMP_NOTIONAL_KRW = SearchAttributeKey.for_int("KimpNotionalKrw")
KIMP_PROFIT_KRW = SearchAttributeKey.for_int("KimpProfitKrw")

SEARCH_ATTRIBUTES = (KIMP_STATUS, KIMP_COIN, KIMP_DIRECTION, KIMP_REASON, KIMP_NOTIONAL_KRW, KIMP_PROFIT_KRW)

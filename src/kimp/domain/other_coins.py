"""Names under which the two venues trade different coins: what looks like a premium is another coin's price.

Of each the reason and where it was seen. A hand-written list: no public answer of either venue tells a coin's contract.
"""

from collections.abc import Mapping

APART = "the venues trade different coins under this name: their prices of 2025-12-06 were 12 to 95 % apart"

OTHER_COINS: Mapping[str, str] = {"AERGO": APART, "BEAM": APART, "ELF": APART, "SNT": APART, "WAVES": APART}

"""Coins that an exchange receives by address and tag: without the tag they are lost."""

TAGGED_COINS = frozenset({"A", "ATOM", "EOS", "HBAR", "HIVE", "STEEM", "STX", "TON", "XEM", "XLM", "XRP"})
"""Upbit has no such flag: a deposit address that has a tag adds to these, and a configured place of these needs one."""

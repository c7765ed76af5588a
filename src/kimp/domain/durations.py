"""Lengths of time in milliseconds."""

MINUTE_MS = 60_000
DAY_MS = 86_400_000

"""Benchmarks; they print a table and assert nothing."""

"""Decrypts histories for people: the Temporal Web UI and the `temporal` CLI ask it, each call is checked and logged."""

"""Importing this puts every command on `app`: each module registers its own."""

from kimp.cli import codec, demo, inspect, operate, replay, services

__all__ = ["codec", "demo", "inspect", "operate", "replay", "services"]

"""Importing this puts every command on `app`: each module registers its own."""

from kimp.cli import demo, inspect, operate, replay, services

__all__ = ["demo", "inspect", "operate", "replay", "services"]

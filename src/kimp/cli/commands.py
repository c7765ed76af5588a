"""Importing this puts every command on `app`: each module registers its own."""

from kimp.cli import config, demo, inspect, operate, replay, services

__all__ = ["config", "demo", "inspect", "operate", "replay", "services"]

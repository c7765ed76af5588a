"""Importing this puts every command on `app`: each module registers its own."""

from kimp.cli import codec, config, demo, inspect, operate, replay, services, settings, temporal

__all__ = ["codec", "config", "demo", "inspect", "operate", "replay", "services", "settings", "temporal"]

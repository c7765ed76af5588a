"""docker-compose.yml as Compose reads it: anchors merged, variables replaced by their defaults."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
SECRETS = ROOT / "deploy/compose/secrets.sh"
Service = Mapping[str, Any]


def compose() -> dict[str, Any]:
    """Nothing of the environment is taken: each `${NAME:-default}` is its default."""
    loaded: dict[str, Any] = _interpolated(yaml.safe_load(FILE.read_text()))
    return loaded


def _interpolated(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _interpolated(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_interpolated(value) for value in part]
    return VARIABLE.sub(r"\2", part).replace("$$", "$") if isinstance(part, str) else part


def services() -> dict[str, Service]:
    found: dict[str, Service] = compose()["services"]
    return found


def kimp_services() -> dict[str, Service]:
    return {name: service for name, service in services().items() if service["image"].startswith("kimp:")}


def secrets_of(service: Service) -> dict[str, str]:
    """Secret -> the file's name in /run/secrets."""
    listed = [{"source": one, "target": one} if isinstance(one, str) else one for one in service.get("secrets", [])]
    return {one["source"]: one["target"] for one in listed}


def mounts_of(service: Service) -> dict[str, str]:
    """Files and folders of the project that it sees: path here -> path there."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {source: target for source, target, *_ in parts if source.startswith("./")}

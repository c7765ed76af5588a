"""Settings put into each of kimp's sources the way a person would, so that one test fits all of them."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from fakes.vault import ROLE_ID, SECRET_ID, FakeVault
from moto import mock_aws

AWS = {"AWS_DEFAULT_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "AKIAKIMP", "AWS_SECRET_ACCESS_KEY": "of-a-mock"}
Tree = Mapping[str, Any]


def leaves(tree: Tree, delimiter: str, above: str = "") -> Iterator[tuple[str, str]]:
    """Names and texts; lists as JSON."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, delimiter, f"{above}{name}{delimiter}")
        else:
            yield above + name, value if isinstance(value, str) else json.dumps(value)


class Sources:
    """All of them, in kimp's order; `put` fills one."""

    ORDER = (
        "arguments",
        "environment",
        "secrets file",
        ".env",
        "kimp.staging.toml",
        "kimp.toml",
        "parameter store",
        "vault",
    )
    TEXTS = ("arguments", "environment", "secrets file", ".env", "parameter store", "vault")
    """Those that hold names and texts only."""
    PATH = "/kimp/staging"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, vault: FakeVault) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.vault = vault

    def put(self, label: str, tree: Tree) -> None:
        """More settings for the source of that name, which is switched on if need be."""
        ways: dict[str, Callable[[Tree], None]] = {
            "arguments": self._arguments,
            "environment": self._environment,
            "secrets file": self._secret_files,
            ".env": self._dotenv,
            "kimp.staging.toml": self._staging,
            "kimp.toml": partial(self._toml, "kimp.toml"),
            "parameter store": self._parameter_store,
            "vault": self._vault,
        }
        ways[label](tree)

    def switch_on_vault(self) -> None:
        self.monkeypatch.setenv("KIMP_VAULT_ADDR", self.vault.address)
        self.monkeypatch.setenv("KIMP_VAULT_PATH", "kimp/staging")
        self.monkeypatch.setenv("KIMP_VAULT_ROLE_ID", ROLE_ID)
        self.monkeypatch.setenv("KIMP_VAULT_SECRET_ID", SECRET_ID)

    def _arguments(self, tree: Tree) -> None:
        self.monkeypatch.setenv("KIMP_ARGUMENTS", json.dumps(dict(leaves(tree, "."))))

    def _environment(self, tree: Tree) -> None:
        for name, text in leaves(tree, "__"):
            self.monkeypatch.setenv(f"KIMP_{name.upper()}", text)

    def _secret_files(self, tree: Tree) -> None:
        there = self.folder / "secrets"
        there.mkdir(exist_ok=True)
        for name, text in leaves(tree, "__"):
            (there / name).write_text(text + "\n")
        self.monkeypatch.setenv("KIMP_SECRETS_DIR", str(there))

    def _dotenv(self, tree: Tree) -> None:
        lines = [f"KIMP_{name.upper()}='{text}'" for name, text in leaves(tree, "__")]
        (self.folder / ".env").write_text("\n".join([*lines, "OF_SOMEBODY_ELSE=1"]))

    def _staging(self, tree: Tree) -> None:
        self._toml("kimp.staging.toml", tree)
        self.monkeypatch.setenv("KIMP_ENVIRONMENT", "staging")

    def _toml(self, name: str, tree: Tree) -> None:
        (self.folder / name).write_text("\n".join(_toml_lines(tree)))

    def _parameter_store(self, tree: Tree) -> None:
        for name, text in leaves(tree, "/"):
            boto3.client("ssm").put_parameter(Name=f"{self.PATH}/{name}", Value=text, Type="SecureString")
        self.monkeypatch.setenv("KIMP_PARAMETER_STORE", self.PATH)

    def _vault(self, tree: Tree) -> None:
        self.vault.secrets["secret", "kimp/staging"] = dict(leaves(tree, "__"))
        self.switch_on_vault()


def _toml_lines(tree: Tree, above: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if not isinstance(value, Mapping):
            yield f"{name} = {json.dumps(value)}"
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield f"[{above}{name}]"
            yield from _toml_lines(value, f"{above}{name}.")


@contextmanager
def all_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """Every source there and empty, in a folder and an environment of the test's own."""
    for name in [name for name in os.environ if name.startswith(("KIMP_", "AWS_", "VAULT_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    with mock_aws(), FakeVault().running() as vault:
        yield Sources(folder, monkeypatch, vault)

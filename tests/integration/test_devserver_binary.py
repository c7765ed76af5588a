"""Where the Temporal CLI is looked for. The stand-ins are scripts that answer `--version`, so nothing is fetched."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.temporal import build as builder
from kimp.adapters.temporal import devserver_binary as finder
from kimp.adapters.temporal.devserver_binary import BuildFailed
from kimp.domain.errors import BadConfig

MODULE = Path(__file__).parents[2] / "deploy/temporal/devserver/go.mod"


def cli(path: Path, version: str = finder.SERVER_VERSION) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "temporal version 1.9 (Server {version}, UI 2.54.1)"\n')
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No CLI anywhere, an empty tools folder, and nothing that could be fetched."""
    monkeypatch.delenv("KIMP_TEMPORAL_CLI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(finder, "checkout", lambda: None)

    async def closed(target: Path, write_line: Callable[[str], None]) -> None:
        raise RuntimeError("download failed: host closed\nand more")

    monkeypatch.setattr(finder, "_download", closed)


def test_nothing_is_found_on_a_bare_machine() -> None:
    assert finder.find_binary() is None


def test_the_named_file_comes_first_then_path_then_the_tools_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cli(tmp_path / "cache/kimp/temporal")
    assert (found := finder.find_binary())
    assert (found.path, found.source) == (kept, "the tools folder")
    on_path = cli(tmp_path / "path/temporal")
    assert (found := finder.find_binary())
    assert (found.path, found.source) == (on_path, "PATH")
    named = cli(tmp_path / "mine")
    monkeypatch.setenv("KIMP_TEMPORAL_CLI", str(named))
    assert (found := finder.find_binary())
    assert (found.path, found.source) == (named, "KIMP_TEMPORAL_CLI")


def test_a_named_file_that_is_no_cli_is_an_error_even_if_another_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(tmp_path / "path/temporal")
    monkeypatch.setenv("KIMP_TEMPORAL_CLI", str(tmp_path / "missing"))
    with pytest.raises(BadConfig, match=r"KIMP_TEMPORAL_CLI=.*missing"):
        finder.find_binary()


def test_another_program_of_that_name_is_passed_over(tmp_path: Path) -> None:
    other = cli(tmp_path / "path/temporal")
    other.write_text("#!/bin/sh\necho something else\n")
    kept = cli(tmp_path / "cache/kimp/temporal")
    assert (found := finder.find_binary())
    assert found.path == kept


async def test_the_source_is_said_and_another_version_is_too(tmp_path: Path) -> None:
    message: list[str] = []
    cli(tmp_path / "path/temporal")
    await finder.ensure_binary(message.append)
    cli(tmp_path / "path/temporal", "1.29.1")
    await finder.ensure_binary(message.append)
    assert re.fullmatch(r"Temporal server 1\.32\.0 from PATH \(.*\)", message[0])
    assert "1.29.1 from PATH" in message[1]
    assert "tested with 1.32.0" in message[1]


async def test_what_each_way_lacked_is_a_line_and_the_last_one_is_the_way_out() -> None:
    lines: list[str] = []
    with pytest.raises(BadConfig) as caught:
        await finder.ensure_binary(lines.append)
    assert lines == [
        "Temporal: the SDK's download: download failed: host closed",
        "Temporal: a build from Go modules: only possible in a checkout of the project",
    ]
    text = str(caught.value)
    assert text.startswith("no Temporal server is here, and none could be fetched; install the Temporal CLI")
    assert text.endswith("KIMP_TEMPORAL_CLI")
    assert len(text) < 160


async def test_a_fetched_binary_is_kept_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def download(target: Path, write_line: Callable[[str], None]) -> None:
        cli(target)

    monkeypatch.setattr(finder, "_download", download)
    assert (await finder.ensure_binary(lambda _: None)).source == "the SDK's download"
    assert (await finder.ensure_binary(lambda _: None)).source == "the tools folder"


async def test_a_failed_build_says_its_last_line_and_leaves_no_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "path/go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.99 && exit\necho started\necho no such module\nexit 1\n')
    go.chmod(0o755)
    (tmp_path / "tools").mkdir()
    message: list[str] = []
    with pytest.raises(BuildFailed, match="go build` failed: no such module"):
        await builder.build(MODULE.parent, {finder.PACKAGE: tmp_path / "tools/temporal"}, message.append)
    assert "about 3 minutes" in message[0]
    assert not list((tmp_path / "tools").iterdir())


async def test_caches_that_the_caller_names_are_used_and_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second build finds them full."""
    go = tmp_path / "path/go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.99 && exit\n: >"$GOCACHE/compiled" && : >"$5"\n')
    go.chmod(0o755)
    (tmp_path / "tools").mkdir()
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setenv("GOCACHE", str(kept))
    await builder.build(MODULE.parent, {finder.PACKAGE: tmp_path / "tools/temporal"}, lambda _: None)
    assert [file.name for file in (tmp_path / "tools").iterdir()] == ["temporal"]
    assert (kept / "compiled").exists()


def test_the_go_module_builds_the_version_that_the_finder_expects() -> None:
    text = MODULE.read_text()
    assert f"go.temporal.io/server v{finder.SERVER_VERSION}" in text
    assert f"github.com/temporalio/ui-server/v2 v{finder.UI_VERSION}" in text

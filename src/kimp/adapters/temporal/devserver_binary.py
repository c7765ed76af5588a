"""Where the `temporal` program comes from: the first source that has it, and which one that was is always said.

1. `KIMP_TEMPORAL_CLI`, 2. `temporal` on PATH, 3. the tools folder, where 4. the SDK's download and 5. a build from Go
modules put it. 4 fails within milliseconds where its host is closed, so asking it first costs nothing.
`python -m kimp.adapters.temporal.devserver_binary` does only this, and prints the path.
"""

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kimp.domain.errors import BadConfig
from kimp.observability.clean import clean, write_line

SERVER_VERSION = "1.32.0"
UI_VERSION = "2.54.1"
CLI_RELEASE = "v1.9.0"
"""The release of the Temporal CLI that carries both. `deploy/temporal/devserver/go.mod` names the same versions."""
PACKAGE = "github.com/temporalio/cli/cmd/temporal"

DOWNLOAD_S = 180
MEND = "install the Temporal CLI (https://docs.temporal.io/cli), or name its file in KIMP_TEMPORAL_CLI"


class BuildFailed(Exception):
    """The build, or a step towards it, ended with an error."""


@asynccontextmanager
async def only_one(path: Path) -> AsyncIterator[None]:
    """Two commands started together must not build twice: the second waits for the first's result."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@dataclass(frozen=True, slots=True)
class Binary:
    path: Path
    source: str
    server: str
    """Version of the server inside."""

    def __str__(self) -> str:
        text = f"Temporal server {self.server} from {self.source} ({self.path})"
        if self.server == SERVER_VERSION:
            return text
        mend = "delete it to get that one" if self.path.parent == tools_dir() else MEND
        return f"{text}; kimp is tested with {SERVER_VERSION}: {mend}"


def checkout() -> Path | None:
    """The project's folder when kimp runs from one, None when it was installed as a wheel."""
    root = Path(__file__).parents[4]
    return root if (root / "deploy/temporal/devserver/go.mod").is_file() else None


def tools_dir() -> Path:
    """Where a fetched binary is kept: beside the sources, else in the user's cache."""
    root = checkout()
    if root is not None:
        return root / ".tools"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kimp"


def find_binary() -> Binary | None:
    """A binary that is here already. Raises BadConfig where KIMP_TEMPORAL_CLI names none."""
    named = os.environ.get("KIMP_TEMPORAL_CLI")
    if named:
        binary = _inspect(Path(named), "KIMP_TEMPORAL_CLI")
        if binary is None:
            raise BadConfig(f"KIMP_TEMPORAL_CLI={named} is no Temporal CLI; correct it or unset it")
        return binary
    on_path = shutil.which("temporal")
    found = _inspect(Path(on_path), "PATH") if on_path else None
    return found or _inspect(tools_dir() / "temporal", "the tools folder")


async def ensure_binary(write_line: Callable[[str], None]) -> Binary:
    """Find the binary, or fetch it. Raises BadConfig that names what each way lacked."""
    if (found := find_binary()) is None:
        folder = tools_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadConfig(f"no Temporal server, and {folder} cannot be made ({error.strerror}); {MEND}") from None
        async with only_one(folder / "temporal.lock"):
            found = find_binary() or await _fetch(folder / "temporal", write_line)
    write_line(str(found))
    return found


async def _fetch(target: Path, write_line: Callable[[str], None]) -> Binary:
    failures = []
    for source, fetch in (("the SDK's download", _download), ("a build from Go modules", _build)):
        try:
            await fetch(target, write_line)
        except (BuildFailed, RuntimeError, TimeoutError, OSError) as error:
            failures.append(f"{source}: {_one_line(error)}")
            continue
        if (binary := _inspect(target, source)) is not None:
            return binary
        failures.append(f"{source}: the file does not run on this machine")
    for failure in failures:
        write_line(f"Temporal: {failure}")
    raise BadConfig(f"no Temporal server is here, and none could be fetched; {MEND}")


async def _download(target: Path, _write_line: Callable[[str], None]) -> None:
    # The SDK downloads only as the first step of starting a server, so one is started and stopped.
    from temporalio.testing import WorkflowEnvironment  # noqa: PLC0415 - heavy, and needed once per machine

    with tempfile.TemporaryDirectory(dir=target.parent, prefix="download-") as folder:
        async with asyncio.timeout(DOWNLOAD_S):
            server = await WorkflowEnvironment.start_local(
                download_dest_dir=folder, dev_server_download_version=CLI_RELEASE
            )
            await server.shutdown()
        _take(Path(folder), target)


def _take(folder: Path, target: Path) -> None:
    (file,) = folder.glob("temporal*")  # named after the version
    file.replace(target)


async def _build(target: Path, write_line: Callable[[str], None]) -> None:
    root = checkout()
    if root is None:
        raise BuildFailed("only possible in a checkout of the project")
    from deploy.temporal.build import build  # noqa: PLC0415 - a checkout has it, a wheel has not

    await build(root / "deploy/temporal/devserver", {PACKAGE: target}, write_line)


def _inspect(path: Path, source: str) -> Binary | None:
    """None where the file is missing, does not run, or is some other program of that name."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"Server (\d[\w.\-]*)", answer.stdout)
    return Binary(path.absolute(), source, version.group(1)) if version else None


def _one_line(error: BaseException) -> str:
    text = str(error) or ("took too long" if isinstance(error, TimeoutError) else type(error).__name__)
    return text.splitlines()[0][:240]


def main() -> None:
    try:
        asyncio.run(ensure_binary(write_line))
    except BadConfig as error:
        sys.exit(clean(f"kimp: {error}"))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

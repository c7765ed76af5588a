"""The Temporal server that kimp runs itself: one process, state in one SQLite file, loopback only.

SQLite runs in WAL mode with synchronous=NORMAL, which is 2.5 times as fast as its defaults. NORMAL survives a killed
process, kimp's or the server's, without losing anything; a *power failure* may lose the last commits, so that a cycle
forgets an order it sent. For live money set FULL, or better run a real server (docs: operations) and TEMPORAL_ADDRESS.
"""

from collections.abc import Sequence
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from kimp.adapters.embedded.neighbours import require_free_port
from kimp.adapters.embedded.process import LOOPBACK, OwnServer, ServerProcess, without_secrets
from kimp.adapters.temporal.bootstrap_namespace import NAMESPACE, prepare_namespace
from kimp.adapters.temporal.core import core_runtime

UI_PORT_OFFSET = 1000

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL")
DYNAMIC_CONFIG = (
    # The default of 20 polls a second on the dev server's single shard makes every step wait 50 ms.
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=200",
    # Otherwise a task may be handed to a worker that is shutting down, and waits for its timeout.
    "frontend.enableCancelWorkerPollsOnShutdown=true",
    # Nobody's: the HTTP API, which asks for no origin, so that any web page could send updates, answers 403 to each.
    "frontend.httpAllowedHosts=[]",
)


class DevServer(OwnServer):
    """`temporal server start-dev` as a child of this process. The next start on the same folder finds its state."""

    def __init__(
        self,
        binary: Path,
        data_dir: Path,
        *,
        port: int,
        ui_port: int | None = None,
        dynamic_config: Sequence[str] = (),
    ) -> None:
        """`dynamic_config`: further server settings, `name=json`."""
        self.port = port
        self.ui_port = ui_port or port + UI_PORT_OFFSET
        command = _command(binary, data_dir, port, self.ui_port, (*DYNAMIC_CONFIG, *dynamic_config))
        super().__init__(ServerProcess("temporal", command, data_dir, environment=without_secrets()))

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def namespace(self) -> str:
        return NAMESPACE

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"

    async def start(self) -> None:
        """Returns when the namespace is ready. Raises BadConfig for a taken port, ServerFailed if it fails."""
        mend = "set KIMP_LOCAL__{}, or name a running server in TEMPORAL_ADDRESS, which kimp then uses"
        require_free_port(self.port, "the Temporal dev server", mend.format("TEMPORAL_PORT"))
        require_free_port(self.ui_port, "the Temporal Web UI", mend.format("TEMPORAL_UI_PORT"))
        await super().start()

    async def _serves(self) -> bool:
        try:
            client = await Client.connect(self.address, namespace=NAMESPACE, runtime=core_runtime())
            await prepare_namespace(client)
        except (RuntimeError, RPCError):  # not listening yet, or listening and not serving yet
            return False
        return True


def _command(binary: Path, data_dir: Path, port: int, ui_port: int, dynamic_config: Sequence[str]) -> list[str]:
    command = [str(binary), "server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
    command += ["--ui-ip", LOOPBACK, "--ui-port", str(ui_port)]
    command += ["--db-filename", str(data_dir / "temporal.db"), "--namespace", NAMESPACE]
    for pragma in PRAGMAS:
        command += ["--sqlite-pragma", pragma]
    for setting in dynamic_config:
        command += ["--dynamic-config-value", setting]
    return command

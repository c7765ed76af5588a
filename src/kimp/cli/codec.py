"""`kimp codec`: keys for encrypted histories, and the server that decrypts them for people."""

import base64
import os

import typer

from kimp.cli.app import app, run
from kimp.cli.services import until_signalled
from kimp.config import load
from kimp.config.history import KEY_BYTES
from kimp.telemetry import configure_logging

codec = typer.Typer(help="Encrypted histories: keys, and decryption for people.", no_args_is_help=True)
app.add_typer(codec, name="codec")


@codec.command("new-key")
def new_key() -> None:
    """Print a new key, for history.keys. It is stored nowhere: whoever loses it loses the histories."""
    typer.echo(base64.b64encode(os.urandom(KEY_BYTES)).decode())


@codec.command("serve")
def serve() -> None:
    """Decrypt for the Temporal Web UI and the `temporal` CLI until Ctrl-C; see [codec_server] for who may ask."""
    from kimp.bootstrap.codec_server import run_codec_server  # noqa: PLC0415 - heavy

    configure_logging("codec")
    run(until_signalled(run_codec_server(load())))

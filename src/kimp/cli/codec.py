"""`kimp codec`: keys for encrypted histories, and the server that decrypts them for people."""

import base64
import os

import typer

from kimp.cli.app import app
from kimp.cli.services import serve as serve_process
from kimp.config.history import KEY_BYTES
from kimp.observability.clean import say

codec = typer.Typer(help="Encrypted histories: keys, and decryption for people.", no_args_is_help=True)
app.add_typer(codec, name="codec")


@codec.command("new-key")
def new_key() -> None:
    """Print a new key, for history.keys. It is stored nowhere: whoever loses it loses the histories."""
    say(base64.b64encode(os.urandom(KEY_BYTES)).decode())


@codec.command("serve")
def serve() -> None:
    """Decrypt for the Temporal Web UI and the `temporal` CLI until Ctrl-C; `codec_server` says who may."""
    from kimp.bootstrap.codec_server import run_codec_server  # noqa: PLC0415 - heavy

    serve_process("codec", run_codec_server)

"""The codec server, put together and run until cancelled."""

import asyncio
import logging
import ssl

from aiohttp import web

from kimp.adapters.codec_server.access import Access
from kimp.adapters.codec_server.server import CodecServer
from kimp.bootstrap.temporal import history_codec
from kimp.config import Settings
from kimp.config.history import CodecServerSettings
from kimp.domain.errors import BadConfig

SHUTDOWN_S = 2.0
LONGEST_READ = 256 * 1024
"""Bytes of a header. What is too long is read this far, so that the server's own words refuse and log it."""
log = logging.getLogger(__name__)


async def run_codec_server(settings: Settings) -> None:
    """Answer until cancelled. Raises BadConfig where there is no key, nobody to let in, or the port is taken."""
    if not settings.history.encrypted:
        raise BadConfig("there is nothing to decrypt with: set history.keys, the same as the workers have")
    chosen = settings.codec_server
    codec = history_codec(settings)
    server = CodecServer(codec, Access(chosen), chosen.allowed_origins)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=SHUTDOWN_S, max_field_size=LONGEST_READ)
    await runner.setup()
    try:
        site = web.TCPSite(runner, chosen.host, chosen.port, ssl_context=_tls(chosen))
        await _listen(site, chosen)
        log.info("decrypts namespace %s at %s, for %s", codec.namespace, site.name, _audience(chosen))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, chosen: CodecServerSettings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise BadConfig(
            f"the codec server cannot listen on {chosen.host} port {chosen.port} ({error.strerror});"
            " set codec_server.host and codec_server.port"
        ) from None


def _tls(chosen: CodecServerSettings) -> ssl.SSLContext | None:
    if chosen.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(chosen.tls_cert, chosen.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise BadConfig(
            f"codec_server.tls_cert and tls_key are no certificate with its key: {error.strerror or error}"
        ) from None
    return context


def _audience(chosen: CodecServerSettings) -> str:
    return (
        f"the browser at {', '.join(chosen.allowed_origins)} and the CLI" if chosen.allowed_origins else "the CLI only"
    )

"""Which server answers on a port of this machine: kimp's user may have one already that kimp could use."""

import socket
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress

from kimp.adapters.embedded.process import LOOPBACK
from kimp.domain.errors import BadConfig

ANSWER_S = 0.3
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
SETTINGS = 4
"""Type of the frame that a server of HTTP/2 begins with."""
REDIS_SAYS = (b"+PONG", b"-NOAUTH", b"-NOPERM", b"-DENIED", b"-ERR")
USUAL = {
    6379: ("Redis", "KIMP_REDIS_URL=redis://127.0.0.1:6379/0"),
    3306: ("MySQL", "KIMP_DATABASE_URL=mysql+asyncmy://USER:PASSWORD@127.0.0.1/kimp"),
    7233: ("Temporal", "TEMPORAL_ADDRESS=127.0.0.1:7233"),
}
"""Port -> what listens there by custom, and what has kimp use it."""


def who_answers(port: int) -> str | None:
    """`MySQL`, `Redis`, `Temporal` (or another server of gRPC); None for a stranger, or nobody."""
    for name, asks, knows in (
        ("MySQL", b"", lambda said: b"mysql" in said.lower() or b"mariadb" in said.lower()),
        ("Redis", b"PING\r\n", lambda said: said.startswith(REDIS_SAYS)),
        ("Temporal", HTTP2_HELLO, lambda said: len(said) > SETTINGS and said[3] == SETTINGS),
    ):
        if _answers(port, asks, knows):
            return name
    return None


def _answers(port: int, asks: bytes, knows: Callable[[bytes], bool]) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), ANSWER_S) as there:
        there.settimeout(ANSWER_S)
        there.sendall(asks)
        return knows(there.recv(256))
    return False


def require_free_port(port: int, what: str, mend: str) -> None:
    """Raises BadConfig where something listens on the port already, with what that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            there = who_answers(port)
            why = f"{error.strerror}, by a {there}" if there else error.strerror
            raise BadConfig(f"{what} cannot use port {port} ({why}); stop what listens there, or {mend}") from None


def unused_servers(*, but: AbstractSet[str], own: AbstractSet[int]) -> list[str]:
    """A line for each server at its usual port that kimp is not told to use. `but`: names of those that it is told to
    use; `own`: ports of kimp's own servers.
    """
    return [
        f"{name}: one answers at {LOOPBACK}:{port} too; {setting} would use it"
        for port, (name, setting) in USUAL.items()
        if name not in but and port not in own and who_answers(port) == name
    ]

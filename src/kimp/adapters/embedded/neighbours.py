"""Which server answers on a port of this machine: kimp's user may have one already that kimp could use."""

import socket
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass

from kimp.adapters.embedded.process import LOOPBACK
from kimp.domain.errors import BadConfig

ANSWER_S = 0.3
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
SETTINGS = 4
"""Type of the frame that a server of HTTP/2 begins with."""
REDIS_ANSWERS = (b"+PONG", b"-NOAUTH", b"-NOPERM", b"-DENIED", b"-ERR")
USUAL = {
    6379: ("Redis", "KIMP_REDIS_URL=redis://127.0.0.1:6379/0"),
    3306: ("MySQL", "KIMP_DATABASE_URL=mysql+asyncmy://USER:PASSWORD@127.0.0.1/kimp"),
    7233: ("Temporal", "TEMPORAL_ADDRESS=127.0.0.1:7233"),
}
"""Port -> what listens there by custom, and what has kimp use it."""


def who_answers(port: int) -> str | None:
    """`MySQL`, `Redis`, `Temporal` (or another server of gRPC); None for a stranger, or nobody."""
    for name, asks, knows in (
        ("MySQL", b"", lambda reported: b"mysql" in reported.lower() or b"mariadb" in reported.lower()),
        ("Redis", b"PING\r\n", lambda reported: reported.startswith(REDIS_ANSWERS)),
        ("Temporal", HTTP2_HELLO, lambda reported: len(reported) > SETTINGS and reported[3] == SETTINGS),
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


@dataclass(frozen=True, slots=True)
class ServerPort:
    """One that a server of kimp's is to listen on."""

    number: int
    setting: str


def require_free_ports(ports: Sequence[ServerPort], neighbour: str | None) -> None:
    """Raises BadConfig that names all that are taken, who has them, and how to use others. 0 is any free port.

    `neighbour`: a kimp that may be the one that has them.
    """
    faults = [(port, fault) for port in ports if port.number and (fault := _fault(port.number))]
    if not faults:
        return
    taken = ", ".join(f"{port.number} ({port.setting}: {fault})" for port, fault in faults)
    raise BadConfig(
        f"can't start: {'ports' if len(faults) > 1 else 'port'} {taken}."
        f" {f'{neighbour}; end it first' if neighbour else 'End what listens there'},"
        " or move all ports of this one: `kimp --set local.port_offset=100 ...`, with a local.data_dir of its own"
    )


def _fault(port: int) -> str | None:
    """Why nothing of ours can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            there = who_answers(port)
            return f"{error.strerror}, by a {there}" if there else error.strerror
    return None


def require_free_port(port: int, what: str, mend: str) -> None:
    """Raises BadConfig where something listens on the port already, with what that is."""
    if fault := _fault(port):
        raise BadConfig(f"{what} cannot use port {port} ({fault}); stop what listens there, or {mend}")


def unused_servers(*, but: AbstractSet[str], own: AbstractSet[int]) -> list[str]:
    """A line for each server at its usual port that kimp is not told to use. `but`: names of those that it is told to
    use; `own`: ports of kimp's own servers.
    """
    return [
        f"{name}: one answers at {LOOPBACK}:{port} too; {setting} would use it"
        for port, (name, setting) in USUAL.items()
        if name not in but and port not in own and who_answers(port) == name
    ]

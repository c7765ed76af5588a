"""Servers that a user has already, and a second kimp in a folder, are told by name."""

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kimp.adapters.embedded import neighbours
from kimp.adapters.embedded.folder_lock import NAME, folder_lock, who_runs
from kimp.adapters.embedded.neighbours import (
    ServerPort,
    require_free_port,
    require_free_ports,
    unused_servers,
    who_answers,
)
from kimp.domain.errors import BadConfig

GREETING = b"\x4a\x00\x00\x00\x0a11.4.2-MariaDB\x00"
SETTINGS_FRAME = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00"


@contextmanager
def serving(greeting: bytes = b"", answers: dict[bytes, bytes] | None = None) -> Iterator[int]:
    """A server that says this, to whoever begins with that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    there, _ = listener.accept()
                except OSError:
                    return
                with there:
                    there.sendall(greeting)
                    there.settimeout(0.5)
                    try:
                        asked = there.recv(256)
                    except TimeoutError:
                        continue
                    there.sendall(next((a for q, a in (answers or {}).items() if asked.startswith(q)), b""))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("greeting", "answers", "name"),
    [
        (GREETING, {}, "MySQL"),
        (b"", {b"PING": b"-NOAUTH Authentication required.\r\n"}, "Redis"),
        (b"", {b"PRI * HTTP/2.0": SETTINGS_FRAME}, "Temporal"),
        (b"", {b"PING": b"HTTP/1.1 400 Bad Request\r\n"}, None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, None),
    ],
)
def test_a_server_is_known_by_what_it_says(greeting: bytes, answers: dict[bytes, bytes], name: str | None) -> None:
    with serving(greeting, answers) as port:
        assert who_answers(port) == name


def test_a_port_that_is_taken_is_told_with_who_has_it() -> None:
    redis = {b"PING": b"+PONG\r\n"}
    with serving(answers=redis) as port, pytest.raises(BadConfig, match=rf"port {port} \(.*, by a Redis\); stop what"):
        require_free_port(port, "the embedded Redis", "use it")


def test_all_ports_that_are_taken_are_told_at_once_with_the_settings_that_move_them(tmp_path: Path) -> None:
    with serving(answers={b"PING": b"+PONG\r\n"}) as first, serving() as second, socket.create_server(("", 0)) as gone:
        free = gone.getsockname()[1]
        gone.close()
        ports = [
            ServerPort(first, "local.redis_port"),
            ServerPort(free, "local.temporal_port"),
            ServerPort(second, "paper.upbit_port"),
        ]
        with pytest.raises(BadConfig) as refused:
            require_free_ports(ports, who_runs(tmp_path))
        text = str(refused.value)
        assert re.search(rf"ports {first} \(local\.redis_port: .*, by a Redis\), {second} \(paper\.upbit_port: ", text)
        assert str(free) not in text
        assert "local.port_offset=100" in text
        with folder_lock(tmp_path), pytest.raises(BadConfig, match=rf"kimp runs on {tmp_path} \(pid {os.getpid()}"):
            require_free_ports(ports, who_runs(tmp_path))
    require_free_ports([ServerPort(free, "a"), ServerPort(0, "any")], None)


def test_what_could_be_used_is_told_unless_it_is_used_or_kimps_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answers={b"PING": b"+PONG\r\n"}) as port:
        monkeypatch.setattr(neighbours, "USUAL", {port: ("Redis", "KIMP_REDIS_URL=...")})
        assert unused_servers(but=set(), own=set()) == [
            f"Redis: one answers at 127.0.0.1:{port} too; KIMP_REDIS_URL=... would use it"
        ]
        assert unused_servers(but={"Redis"}, own=set()) == unused_servers(but=set(), own={port}) == []


def test_a_second_kimp_in_a_folder_is_told_who_runs_there(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
        with pytest.raises(BadConfig) as refused, folder_lock(tmp_path):
            pass
        text = rf"kimp runs on {re.escape(str(tmp_path))} already \(pid {os.getpid()}, since [-0-9]+ [:0-9]+ UTC\)"
        assert re.search(text, str(refused.value))
        (tmp_path / NAME).write_text("")
        with pytest.raises(BadConfig, match="just started"), folder_lock(tmp_path):
            pass
    with folder_lock(tmp_path):
        pass

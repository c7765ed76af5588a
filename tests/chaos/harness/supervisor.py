"""Kills processes, notices which died, whyever, and starts them again at once."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Protocol

from kimp.adapters.embedded.process import ServerFailed, ServerProcess
from kimp.bootstrap.stack import Stack

LOOK_EVERY_S = 0.1
UNTOUCHED = "paper"
"""The venue keeps its state in memory: its journal is the truth that everything else is measured by."""
REPORTS = "kimp: "
"""How each line begins that a process ends with on purpose."""
KILLED = -signal.SIGKILL


class Server(Protocol):
    """One that is started again on what it left behind."""

    @property
    def pid(self) -> int | None: ...

    @property
    def running(self) -> bool: ...

    async def start(self) -> None: ...


class Supervisor:
    """Of kimp's own processes and of the servers that the stack started."""

    def __init__(self, stack: Stack, lives: Path) -> None:
        """`lives`: where the logs of those that died are kept."""
        lives.mkdir()
        self.kills: Counter[str] = Counter()
        """By SIGKILL from here, per process."""
        self.crashes: Counter[str] = Counter()
        """By a crash point of their own, per process."""
        self.ended: list[str] = []
        """By themselves, with a line that tells a person why: what they need at their start was refused or away."""
        self.broke: list[str] = []
        """By themselves, in any other way: no process may."""
        self.zombies = 0
        self._stack = stack
        self._lives = lives
        self._stopped: set[str] = set()
        self._asked: set[str] = set()
        self._numbers: Counter[str] = Counter()

    @property
    def killable(self) -> list[str]:
        """Running, and not standing still as a zombie."""
        return [
            name
            for name, child in self._stack.children.items()
            if name != UNTOUCHED and child.running and name not in self._stopped
        ]

    @property
    def died(self) -> int:
        """By SIGKILL, all together."""
        return self.kills.total() + self.crashes.total()

    def kill(self, name: str) -> None:
        """Nothing happens to one that has just died by a charge: that death is counted as it was."""
        pid = self._stack.children[name].pid
        if pid is not None and not _has_ended(pid):
            self._asked.add(name)
            self._stack.children[name].kill()
            self.kills[name] += 1

    async def zombie(self, name: str, seconds: float) -> None:
        """Let it stand still for longer than its heartbeats allow, and go on as if nothing had been."""
        pid = self._stack.children[name].pid
        if pid is None:
            return
        self._stopped.add(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
            self._stopped.discard(name)
        self.zombies += 1

    async def kill_server(self, server: Server, name: str, away_s: float) -> None:
        """Redis loses all it held; Temporal and MariaDB find their files again."""
        if server.pid is None:
            return
        os.kill(server.pid, signal.SIGKILL)
        self.kills[name] += 1
        while server.running:  # noqa: ASYNC110 - a process that ends sets no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(away_s)
        await server.start()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for name, child in list(self._stack.children.items()):
                if not child.running:
                    await self._revive(name, child)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _revive(self, name: str, child: ServerProcess) -> None:
        code = child.exit_code
        if name in self._asked:
            self._asked.discard(name)
        elif code == KILLED:
            self.crashes[name] += 1
        elif code is not None:
            last = last_line(child.log)
            reported = self.ended if last.startswith(REPORTS) else self.broke
            reported.append(f"{name} ended with code {code}: {last}")
        self._numbers[name] += 1
        if child.log.exists():
            child.log.replace(self._lives / f"{name}-{self._numbers[name]}.log")
        try:
            await self._stack.revive(name)
        except ServerFailed as failure:
            self.ended.append(str(failure))
            await asyncio.sleep(1)


def _has_ended(pid: int) -> bool:
    """Whether or not this process has taken notice yet."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:200] if lines else "it said nothing"

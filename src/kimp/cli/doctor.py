"""`kimp doctor`: whether every part can be used."""

from dataclasses import asdict

from rich.markup import escape

from kimp.bootstrap.doctor import run_doctor
from kimp.cli import terminal
from kimp.cli.app import EXIT_FAILED
from kimp.config import load

console = terminal.console()
MARKS = {"ok": "[green]ok[/]  ", "warning": "[yellow]warn[/]", "failed": "[red]FAIL[/]"}


async def show_findings(*, as_json: bool) -> int:
    """Exit code: 1 where a part can't be used."""
    findings = [finding async for finding in run_doctor(load())]
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = MARKS[finding.state]
            console.print(f"{mark} {finding.part:<13} {escape(finding.detail)}", highlight=False)
    return EXIT_FAILED if any(finding.state == "failed" for finding in findings) else 0

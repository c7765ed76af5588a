"""`kimp config check`: what is wrong, and what is allowed but risky."""

from rich.markup import escape

from kimp.bootstrap.configuration import check_configuration
from kimp.cli import terminal
from kimp.config.switches import read_switches

console = terminal.console()


def check(environment: str | None, *, as_json: bool) -> None:
    """Raises ConfigProblems with everything that is wrong."""
    risks = check_configuration(environment)
    chosen = read_switches(environment).environment
    valid = f"the configuration{f' of {chosen}' if chosen else ''} is valid"
    if as_json:
        terminal.print_outcome(valid, {"environment": chosen, "risks": risks})
        return
    for line in risks:
        console.print(f"[yellow]risk:[/] {escape(line)}", highlight=False)
    console.print(valid)

"""Commands that set kimp up, and look at its configuration."""

from pathlib import Path
from typing import Annotated

import typer

from kimp.cli.app import SET_UP, JsonFlag, app, run

KEPT_DAYS = 30
"""Histories of closed cycles."""
EnvironmentOption = Annotated[str | None, typer.Option(help="In the place of KIMP_ENVIRONMENT.", metavar="NAME")]


@app.command(rich_help_panel=SET_UP)
def init(
    real: Annotated[
        bool | None, typer.Option("--real/--paper", help="The real venues, or paper money.", show_default=False)
    ] = None,
    coins: Annotated[str | None, typer.Option(help="Coins to trade, e.g. XRP,SOL.")] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT", help="Least profit of a cycle, in percent of its cash, e.g. 0.4: the file has 0.004."
        ),
    ] = None,
    notional: Annotated[str | None, typer.Option(metavar="KRW", help="Most won that a cycle starts with.")] = None,
    into: Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)] = Path("kimp.toml"),
    replace: Annotated[bool, typer.Option("--replace", help="Also if it is there already.")] = False,  # noqa: FBT002
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Ask the few things that matter, check keys, and write kimp.toml.

    Where nobody can be asked, in a script, what no option says is left at its default, and keys are taken from the
    environment (KIMP_UPBIT__KEYS__READ__ACCESS_KEY and its like).
    """
    import sys

    from kimp.cli.init import Given, answers_to, check_and_write
    from kimp.config.writing import require_new

    if not replace:
        require_new(into)
    ask = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    answers = answers_to(Given(real, coins, notional, threshold), ask=ask)
    run(check_and_write(answers, into, as_json=as_json))


config = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config, name="config", rich_help_panel=SET_UP)


@config.command("show")
def show(
    environment: EnvironmentOption = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Every setting and the source that it came from; secrets are masked. See also `kimp settings list`."""
    from kimp.cli.config import show_configuration

    show_configuration(environment, as_json=as_json)


@config.command("check")
def check(
    environment: EnvironmentOption = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Validate without starting anything: every problem at once, then what is allowed but risky."""
    from kimp.cli.config_check import check as work

    work(environment, as_json=as_json)


@config.command("docs")
def docs(
    into: Annotated[Path | None, typer.Option(help="Write it there, below the marker, instead of printing it.")] = None,
) -> None:
    """All settings as Markdown, as in docs/configuration.md."""
    from kimp.cli.config import write_reference

    write_reference(into)


@config.command("example")
def example() -> None:
    """Every setting with its default and its meaning, as TOML: a beginning for a kimp.toml."""
    from kimp.cli.config import print_example

    print_example()


@app.command(rich_help_panel=SET_UP)
def migrate(
    copy_from: Annotated[
        str | None,
        typer.Option(help="URL of another kimp database; all its rows are copied into this one, still empty."),
    ] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Bring the database's schema up to date."""
    from kimp.cli.database import migrate as work

    run(work(copy_from, as_json=as_json))


temporal = typer.Typer(help="Prepare a Temporal server.", no_args_is_help=True)
app.add_typer(temporal, name="temporal", rich_help_panel=SET_UP)


@temporal.command("bootstrap")
def bootstrap(
    retention_days: Annotated[
        int, typer.Option(help="Keep histories of closed cycles at least so long; longer is left as it is.", min=1)
    ] = KEPT_DAYS,
    take_over: Annotated[  # noqa: FBT002 - a command-line flag
        bool,
        typer.Option("--take-over", help="From a database that is lost for good, for the configured one."),
    ] = False,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Make or mend namespace, search attributes and the sweep's schedule; may be run again at any time."""
    from kimp.cli.temporal import bootstrap as work

    run(work(retention_days, take_over=take_over, as_json=as_json))


codec = typer.Typer(help="Encrypted histories: keys, and decryption for people.", no_args_is_help=True)
app.add_typer(codec, name="codec", rich_help_panel=SET_UP)


@codec.command("new-key")
def new_key() -> None:
    """Print a new key, for history.keys. It is stored nowhere: whoever loses it loses the histories."""
    from kimp.cli.codec import print_key

    print_key()


@codec.command("serve")
def serve_codec() -> None:
    """Decrypt for the Temporal Web UI and the `temporal` CLI until Ctrl-C; `codec_server` says who may."""
    from kimp.bootstrap.codec_server import run_codec_server
    from kimp.cli.services import run_service

    run_service("codec", run_codec_server)

"""Is the configuration sound? What only its users can tell is asked of them."""

from kimp.adapters.sql.engine import parse_url
from kimp.adapters.temporal.client_config import load_client_config
from kimp.bootstrap.paper import PaperSettings
from kimp.config import ConfigProblems, Loaded, Settings, load_with_origins
from kimp.config.loose_files import loose_files
from kimp.config.risks import risks
from kimp.config.switches import read_switches
from kimp.domain.errors import BadConfig


def check_configuration(environment: str | None) -> list[str]:
    """What is allowed but risky. Raises ConfigProblems with everything that is wrong."""
    switches = read_switches(environment)
    settings: Settings | None = None
    problems: list[str] = []
    own_temporal = False
    try:
        loaded = load_with_origins(Settings, environment)
    except ConfigProblems as error:
        problems += error.problems
    else:
        settings = loaded.settings
        problems += _unusable(loaded)
    try:
        load_with_origins(PaperSettings, environment)
    except ConfigProblems as error:
        problems += error.problems
    try:
        own_temporal = "target_host" not in load_client_config()
    except BadConfig as error:
        problems.append(str(error))
    if problems or settings is None:
        raise ConfigProblems(tuple(dict.fromkeys(problems)))  # both look at the same sources
    return [*risks(settings, switches, own_temporal=own_temporal), *loose_files(switches)]


def _unusable(loaded: Loaded[Settings]) -> list[str]:
    """What only those tell who use it."""
    try:
        parse_url(loaded.settings.sql_url)
    except BadConfig as error:
        return [f"{error} ({loaded.origin('database_url')})"]
    return []

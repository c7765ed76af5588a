"""What migrations would do on MySQL, without one: the same exact columns, and letters that tell ids apart."""

import re
from io import StringIO

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from kimp.adapters.sql import migrations
from kimp.adapters.sql.tables import metadata

OPTIONS = {"ENGINE=InnoDB", "CHARSET=utf8mb4", "COLLATE utf8mb4_bin", "ROW_FORMAT=DYNAMIC"}
CREATED = re.compile(r"CREATE TABLE (\w+) \(\n(.*?)\n\)([^;\n]*)", re.DOTALL)
ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+ .+?);")
ALTERED = re.compile(r"ALTER TABLE (\w+) MODIFY (\w+ .+?);")


@pytest.fixture(scope="module")
def migrated() -> str:
    """All statements of all migrations."""
    reported = StringIO()
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True, "output_buffer": reported})
    script = ScriptDirectory(migrations.__path__[0])
    with pytest.MonkeyPatch.context() as patch, Operations.context(context):
        for step in reversed(list(script.walk_revisions())):
            patch.setattr(step.module, "_free_what_the_books_hold", lambda: None, raising=False)  # it reads rows
            step.module.upgrade()
    return reported.getvalue()


@pytest.fixture(scope="module")
def wanted() -> str:
    dialect = mysql.dialect()
    return "".join(f"{CreateTable(table).compile(dialect=dialect)};" for table in metadata.sorted_tables)


def _columns(statements: str) -> dict[str, set[str]]:
    found = {
        table: {line.strip().removesuffix(",").strip() for line in body.splitlines()}
        for table, body, _ in CREATED.findall(statements)
    }
    for table, column in [*ADDED.findall(statements), *ALTERED.findall(statements)]:
        name = column.partition(" ")[0]
        found[table] = {other for other in found[table] if other.partition(" ")[0] != name} | {column}
    return found


def _of_columns(lines: set[str]) -> dict[str, str]:
    parts = (line.partition(" ") for line in lines)
    return {name: kind for name, _, kind in parts if name.islower()}


def test_every_column_is_of_the_type_that_the_code_writes(migrated: str, wanted: str) -> None:
    found, expected = _columns(migrated), _columns(wanted)

    assert found.keys() == expected.keys()
    for table, lines in expected.items():
        assert _of_columns(found[table]) == _of_columns(lines), table


@pytest.mark.parametrize("reported", ["migrated", "wanted"])
def test_every_table_is_transactional_and_tells_letters_of_either_case_apart(
    reported: str, request: pytest.FixtureRequest
) -> None:
    tables = CREATED.findall(request.getfixturevalue(reported))

    assert len(tables) == len(metadata.tables)
    for table, _, options in tables:
        assert {option for option in OPTIONS if option in options} == OPTIONS, table

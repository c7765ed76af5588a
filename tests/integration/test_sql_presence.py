"""Which processes work on a database."""

import socket
from collections.abc import Callable

from kimp.adapters.processes import identity
from kimp.adapters.sql.database import connect_database
from kimp.adapters.sql.migrating import migrate_schema
from kimp.operations.presence import running

ELSEWHERE = "7@another-machine"


async def test_what_a_process_says_is_seen_by_all_until_it_ends(new_database: Callable[[], str]) -> None:
    url = new_database()
    await migrate_schema(url)
    books = await connect_database(url)
    try:
        assert await books.presence.seen() == []
        await books.presence.report(ELSEWHERE, ["cycles", "ops"])
        await books.presence.report(identity(), ["initiator", "cycles"])
        await books.presence.report(ELSEWHERE, ["cycles", "ops"])
        found = await books.presence.seen()
        assert {(one.identity, one.work) for one in found} == {
            (ELSEWHERE, "cycles"),
            (ELSEWHERE, "ops"),
            (identity(), "initiator"),
            (identity(), "cycles"),
        }
        assert all(0 <= one.age_ms < 60_000 and not one.ended for one in found)
        assert running(found).missing == ("transfers",)
        await books.presence.report_end(ELSEWHERE)
        assert running(await books.presence.seen()).missing == ("transfers", "ops")
    finally:
        await books.close()


async def test_one_of_this_machine_that_was_killed_is_known_to_be_gone(new_database: Callable[[], str]) -> None:
    url = new_database()
    await migrate_schema(url)
    books = await connect_database(url)
    try:
        await books.presence.report(f"{2**22 + 1}@{socket.gethostname()}", ["ops"])
        assert [one.ended for one in await books.presence.seen()] == [True]
    finally:
        await books.close()

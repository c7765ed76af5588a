"""`kimp halt` and `kimp resume` as a person in a hurry uses them."""

from pathlib import Path

from fakes.command import kimp


async def test_a_halt_never_loosens_and_a_resume_never_pulls(tmp_path: Path) -> None:
    assert (await kimp(tmp_path, "migrate"))[0] == 0
    steps = (
        (("halt", "2"), 0, "0 (run) -> 2 (only compensation)"),
        (("halt",), 2, "stands at 2 (only_compensation) already; `kimp resume 1` would loosen it"),
        (("halt", "3"), 0, "2 (only compensation) -> 3 (nothing leaves)"),
        (("resume", "1"), 0, "3 (nothing leaves) -> 1 (no new cycles)"),
        (("resume", "2"), 2, "stands at 1 (no_new_cycles); `kimp halt 2` would pull it"),
        (("resume",), 0, "1 (no new cycles) -> 0 (run)"),
    )
    for command, code, words in steps:
        ended, out, err = await kimp(tmp_path, *command)
        assert ended == code, err
        assert words in out + err


async def test_it_says_whose_switch_it_was(tmp_path: Path) -> None:
    await kimp(tmp_path, "migrate")
    _, out, _ = await kimp(tmp_path, "halt")
    assert out == f"kill switch: 0 (run) -> 1 (no new cycles); in {tmp_path}/.kimp/kimp.db\n"


async def test_in_the_wrong_folder_it_pulls_nothing_and_makes_nothing(tmp_path: Path) -> None:
    """A halt that nobody obeys must not look like one; what only looks makes no database either."""
    for command in (("halt", "3"), ("resume",), ("cycles", "list"), ("doctor",)):
        code, out, err = await kimp(tmp_path, *command, COLUMNS="200")
        assert code in {1, 2}
        assert f"kimp has not run here yet: there is no database at {tmp_path}/.kimp/kimp.db" in out + err
    assert list(tmp_path.iterdir()) == []

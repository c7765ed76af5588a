"""Wrong one-line patches of the money path, each with what it breaks and the test that must notice."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
BREAKS, CAUGHT_BY = "Breaks: ", "Caught by: "


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch in git's format. Its first line says what it breaks, its second names the test."""

    patch: Path
    breaks: str
    caught_by: str
    """A node id of pytest."""
    removed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.patch.stem

    @property
    def test_file(self) -> str:
        return self.caught_by.partition("::")[0]

    @property
    def test_name(self) -> str:
        """Without its parameters."""
        return self.caught_by.partition("[")[0].rpartition("::")[2]

    def apply(self, tree: Path, *options: str) -> str | None:
        """Break the sources below `tree`; what git says if it can't, or None."""
        done = subprocess.run(
            ["git", "apply", *options, str(self.patch)],
            cwd=tree,
            # Inside of a repository, but not at its root, git would leave everything as it is, and call that success.
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)},
            capture_output=True,
            check=False,
            text=True,
        )
        return None if done.returncode == 0 else done.stderr.strip()


def read(patch: Path) -> Mutant:
    """Raises ValueError for a file that lacks one of its two lines."""
    breaks, caught_by, *diff = patch.read_text().splitlines()
    if not breaks.startswith(BREAKS) or not caught_by.startswith(CAUGHT_BY):
        raise ValueError(f"{patch.name}: the first two lines are not `{BREAKS}...` and `{CAUGHT_BY}...`")
    return Mutant(
        patch,
        breaks.removeprefix(BREAKS),
        caught_by.removeprefix(CAUGHT_BY),
        removed=tuple(line[1:] for line in diff if re.match(r"-(?!--)", line)),
        added=tuple(line[1:] for line in diff if re.match(r"\+(?!\+\+)", line)),
    )


def all_mutants() -> list[Mutant]:
    return [read(patch) for patch in sorted(FOLDER.glob("*.patch"))]

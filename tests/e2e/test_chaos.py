"""The small form of `make chaos`: kills, crash points and venue faults for a minute, then every invariant."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

TESTS = Path(__file__).parents[1]


@pytest.mark.timeout(870)
def test_a_system_that_is_laid_waste_keeps_every_invariant(temporal_binary: Path, tmp_path: Path) -> None:
    """A new seed each time: whoever sees it fail has the seed in the message, and the evidence in the folder.

    Three minutes on two cores; it takes itself more time where they are slower.
    """
    seed = secrets.randbelow(10**6)
    folder = tmp_path / "chaos"
    temporal = os.environ.get("KIMP_TEST_TEMPORAL_ADDRESS")
    more = ["--temporal", temporal] if temporal else []
    ran = subprocess.run(
        [sys.executable, "-m", "chaos", "--size", "small", "--seed", str(seed), "--keep", str(folder), "--json", *more],
        env={**os.environ, "PYTHONPATH": str(TESTS), "KIMP_TEMPORAL_CLI": str(temporal_binary)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    text = f"seed {seed}: make chaos ARGS='--seed {seed} --size small'; evidence in {folder}\n{ran.stderr[-3000:]}"
    assert ran.stdout, text
    report = json.loads(ran.stdout)
    broken = [verdict for verdict in report["verdicts"] if verdict["holds"] != "yes"]
    assert not broken, f"{text}\n{json.dumps(broken, indent=2)}"
    assert report["died"] > 0, text
    assert sum(report["venue_faults"].values()) > 0, text
    assert not report["missing"], f"{text}\n{report['missing']}"
    assert ran.returncode == 0, text

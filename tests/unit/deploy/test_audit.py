"""`make audit` around what uv answers: where nothing could be looked up, this isn't taken for a clean answer."""

import subprocess
from pathlib import Path

import pytest
from architecture.project import ROOT

CLEAN = "Found no known vulnerabilities in 122 packages"
FOUND = "aiohttp 3.0.0 has 1 known vulnerability: GHSA-1"
UNREACHABLE = """Resolved 123 packages
error: error sending request for url (https://api.osv.dev/v1/querybatch)
  cause: Name or service not known"""
OLD_LOCK = "error: The lockfile at `uv.lock` needs to be updated"


def audit(folder: Path, output: str, code: int) -> subprocess.CompletedProcess[str]:
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\ncat <<'.' >&2\n{output}\n.\nexit {code}\n")
    uv.chmod(0o755)
    return subprocess.run(
        ["make", "--silent", "audit", f"UV={uv}"], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_nothing_found_is_success(tmp_path: Path) -> None:
    ran = audit(tmp_path, CLEAN, 0)
    assert (ran.returncode, ran.stdout.strip()) == (0, CLEAN)


@pytest.mark.parametrize(("output", "code"), [(FOUND, 1), (OLD_LOCK, 2)])
def test_what_uv_found_fails_in_uvs_words(tmp_path: Path, output: str, code: int) -> None:
    ran = audit(tmp_path, output, code)
    assert ran.returncode != 0
    assert ran.stdout.strip() == output


def test_a_service_out_of_reach_fails_in_one_line(tmp_path: Path) -> None:
    ran = audit(tmp_path, UNREACHABLE, 2)
    assert ran.returncode != 0
    assert not ran.stdout
    (line, _) = ran.stderr.splitlines()
    assert "nothing was audited" in line
    assert line.endswith("Name or service not known")

"""`kimp config` as its user runs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import command as line
from fakes.vault import ROLE_ID, SECRET_ID, FakeVault

from kimp.adapters.embedded.process import free_port

SECRET = "canary-4711"


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with FakeVault().running() as vault:
        vault.secrets["secret", "kimp/test"] = {"upbit__secret_key": SECRET, "trading__slippage": "0.003"}
        yield vault


def vault_variables(address: str) -> dict[str, str]:
    return {
        "KIMP_VAULT_ADDR": address,
        "KIMP_VAULT_PATH": "kimp/test",
        "KIMP_VAULT_ROLE_ID": ROLE_ID,
        "KIMP_VAULT_SECRET_ID": SECRET_ID,
    }


async def kimp(folder: Path, *arguments: str, **variables: str) -> tuple[int | None, str, str]:
    code, out, err = await line.kimp(folder, *arguments, **variables)
    assert SECRET not in out + err
    return code, out, err


async def test_show_names_the_source_of_each_value(tmp_path: Path, vault: FakeVault) -> None:
    (tmp_path / "kimp.toml").write_text('[trading]\nthreshold = "0.006"\n')
    code, out, _ = await kimp(
        tmp_path, "config", "show", KIMP_TRADING__COOLDOWN_S="9", **vault_variables(vault.address)
    )
    assert code == 0
    lines = {words[0]: words[1:] for line in out.splitlines() if len(words := line.split()) > 2}
    assert lines["trading.threshold"] == ["0.006", "kimp.toml"]
    assert lines["trading.cooldown_s"] == ["9", "environment"]
    assert lines["trading.slippage"] == ["0.003", "vault"]
    assert lines["trading.premium_band"] == ["0.03", "default"]
    assert lines["upbit.secret_key"] == ["**********", "vault"]


async def test_show_for_scripts(tmp_path: Path) -> None:
    code, out, _ = await kimp(tmp_path, "config", "show", "--json", KIMP_TRADING__THRESHOLD="0.0060")
    assert code == 0
    output = json.loads(out)
    assert output["trading.threshold"] == {"value": "0.0060", "source": "environment"}
    assert output["upbit.networks.USDT"] == {"value": "TRX", "source": "default"}


async def test_what_is_given_goes_before_all_else(tmp_path: Path) -> None:
    given = ("--set", "trading.threshold=0.009", "--set", "local.redis_port=6401")
    code, out, _ = await kimp(tmp_path, *given, "config", "show", "--json", KIMP_TRADING__THRESHOLD="0.007")
    assert code == 0
    output = json.loads(out)
    assert output["trading.threshold"] == {"value": "0.009", "source": "arguments"}
    assert output["local.redis_port"] == {"value": 6401, "source": "arguments"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("trading.threshold", "'trading.threshold': write each setting once, as NAME=VALUE"),
        ("trading.thresold=1", "trading.thresold: there is no such setting (arguments)"),
        ("trading.threshold=much", "trading.threshold: it is no number like 0.006 or 2000000 (arguments)"),
    ],
)
async def test_what_is_given_wrongly_is_one_line(tmp_path: Path, given: str, words: str) -> None:
    code, out, err = await kimp(tmp_path, "--set", given, "config", "check", COLUMNS="200")
    assert (code, out) == (2, "")
    assert words in err


async def test_check_passes_and_tells_risks(tmp_path: Path) -> None:
    (tmp_path / "kimp.production.toml").write_text('mode = "observe"\n[upbit]\nrest_url = "https://api.upbit.com"\n')
    code, out, _ = await kimp(tmp_path, "config", "check", "--environment", "production")
    assert code == 0
    assert "risk: real venues with SQLite" in out
    assert "the configuration of production is valid" in out
    code, out, _ = await kimp(tmp_path, "config", "check")
    assert (code, out) == (0, "the configuration is valid\n")


async def test_check_prints_every_problem_once(tmp_path: Path) -> None:
    (tmp_path / "kimp.toml").write_text('tradng = 1\n[trading]\ncoins = "XRP"\n[paper]\nupbit_port = "x"\n')
    code, _, err = await kimp(tmp_path, "config", "check", KIMP_TRADING__THRESHOLD="much")
    assert code == 2
    for problem in (
        "tradng: there is no such setting (kimp.toml)",
        'trading.coins: it is no list; write it like ["XRP","SOL"] (kimp.toml)',
        "trading.threshold: it is no number like 0.006 or 2000000 (environment)",
        "paper.upbit_port: it is no whole number",
    ):
        assert err.count(problem) == 1
    assert "4 problems" in err


@pytest.mark.parametrize("url", [SECRET, f"mysql://kimp:{SECRET}@host/kimp", f"mysql+asyncmy://kimp:{SECRET}@host"])
async def test_check_refuses_a_database_that_kimp_can_not_use(tmp_path: Path, url: str) -> None:
    code, _, err = await kimp(tmp_path, "config", "check", KIMP_DATABASE_URL=url, KIMP_TRADING__COINS='["XRP"]')
    assert code == 2
    assert err.startswith("kimp: bad configuration: database_url ")
    assert err.endswith("(environment)\n")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TEMPORAL_PROFILE": "zzz"}, "Profile 'zzz' not found"),
        ({"TEMPORAL_CONFIG_FILE": "temporal.toml"}, "TOML parse error"),
        ({"TEMPORAL_TLS_CLIENT_CERT_PATH": "/nowhere/c.pem", "TEMPORAL_TLS_CLIENT_KEY_PATH": "/nowhere/k"}, "/nowhere"),
    ],
)
async def test_what_names_the_temporal_server_is_checked(tmp_path: Path, variables: dict[str, str], words: str) -> None:
    (tmp_path / "temporal.toml").write_text(f'[profile.default]\napi_key = "{SECRET}\n')
    code, out, err = await kimp(tmp_path, "config", "check", **variables)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    code, out, err = await kimp(tmp_path, "doctor", **variables)
    assert (code, err) == (1, "")
    (line,) = (line for line in out.splitlines() if line.startswith("FAIL temporal "))
    assert words in line


async def test_a_store_that_is_away_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    for command in (("config", "show"), ("config", "check"), ("feeder",), ("cycles", "list")):
        code, out, err = await kimp(tmp_path, *command, **vault_variables(address))
        assert code == 2
        assert out == ""
        (line,) = err.splitlines()
        assert line == (
            f"kimp: bad configuration: vault at {address}: does not answer (ConnectionError); check KIMP_VAULT_ADDR"
        )


async def test_docs_go_below_the_marker_only(tmp_path: Path) -> None:
    file = tmp_path / "c.md"
    file.write_text("by hand\n")
    code, _, err = await kimp(tmp_path, "config", "docs", "--into", str(file))
    assert code == 2
    assert "is missing; the settings go below it" in err
    code, out, err = await kimp(tmp_path, "config", "docs", "--into", str(tmp_path / "nowhere" / "c.md"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "c.md: No such file or directory" in err
    _, printed, _ = await kimp(tmp_path, "config", "docs")
    assert printed.startswith("## All settings")

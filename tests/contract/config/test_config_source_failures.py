"""A source that is away, closed or broken gives one line: which, where, and what to do about it."""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fakes.certificates import self_signed
from fakes.config_sources import Sources
from fakes.vault import SECRET_ID, FakeVault

from kimp.adapters.embedded.process import free_port
from kimp.config import load
from kimp.domain.errors import BadConfig

AWS_SECRET = "canary-of-aws"


def refused() -> str:
    with pytest.raises(BadConfig) as error:
        load()
    text = str(error.value)
    assert "\n" not in text
    assert SECRET_ID not in text
    assert AWS_SECRET not in text
    assert error.value.__suppress_context__, "no chain that a traceback would show"
    return text


# Vault


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("sealed", "is sealed or not ready; unseal it"),
        ("denied", "its policy needs read on secret/data/kimp/staging"),
        ("garbage", "what answers there is no Vault; check KIMP_VAULT_ADDR"),
        ("slow", "does not answer (ReadTimeout); check KIMP_VAULT_ADDR"),
    ],
)
def test_vault_in_trouble(sources: Sources, trouble: str, words: str) -> None:
    sources.put("vault", {"upbit": {"secret_key": "s"}})
    sources.vault.trouble = trouble
    text = refused()
    assert text.startswith(f"bad configuration: vault at {sources.vault.address}: ")
    assert words in text


def test_vault_is_away(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.switch_on_vault()
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("KIMP_VAULT_ADDR", f"http://kimp:hidden-word@{address}")
    text = refused()
    assert f"vault at http://{address}: does not answer (ConnectionError)" in text
    assert "hidden-word" not in text


def test_vault_holds_nothing_there(sources: Sources) -> None:
    sources.switch_on_vault()
    assert "there is nothing at secret/kimp/staging; check KIMP_VAULT_MOUNT and KIMP_VAULT_PATH" in refused()


def test_vault_refuses_the_login(sources: Sources) -> None:
    sources.put("vault", {"upbit": {"secret_key": "s"}})
    sources.vault.secret_id = "another"
    assert "refused the AppRole; check KIMP_VAULT_ROLE_ID and the secret id, which may have expired" in refused()


def test_vault_is_named_by_half(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_VAULT_ADDR", sources.vault.address)
    text = refused()
    assert "KIMP_VAULT_ADDR needs KIMP_VAULT_PATH, KIMP_VAULT_ROLE_ID" in text
    assert "KIMP_VAULT_SECRET_ID or KIMP_VAULT_SECRET_ID_FILE too" in text


def test_a_vault_that_no_address_leads_to(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_VAULT_SECRET_ID_FILE", str(sources.folder / "mounted_everywhere"))
    load()
    monkeypatch.setenv("KIMP_VAULT_PATH", "kimp/staging")
    assert "KIMP_VAULT_PATH would be ignored without KIMP_VAULT_ADDR; set it too" in refused()


def test_vault_without_hvac(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.switch_on_vault()
    monkeypatch.setitem(sys.modules, "hvac", None)
    monkeypatch.delitem(sys.modules, "kimp.config.vault", raising=False)
    assert refused() == "bad configuration: vault: hvac is not installed; install kimp with `--extra vault`"


def test_vault_s_secret_id_may_be_a_file(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.put("vault", {"upbit": {"access_key": "from-vault"}})
    monkeypatch.delenv("KIMP_VAULT_SECRET_ID")
    file = sources.folder / "secret-id"
    monkeypatch.setenv("KIMP_VAULT_SECRET_ID_FILE", str(file))
    assert f"KIMP_VAULT_SECRET_ID_FILE: {file} cannot be read (FileNotFoundError)" in refused()
    file.write_text(f"{SECRET_ID}\n")
    assert load().upbit.access_key.get_secret_value() == "from-vault"


def own_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Of nobody that the system trusts; the file is what KIMP_VAULT_CACERT may name."""
    file, secret = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


def test_vault_s_certificate_must_be_trusted(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    file, context = own_certificate(sources.folder)
    with FakeVault(context).running() as vault:
        vault.secrets["secret", "kimp/staging"] = {"upbit__access_key": "over-tls"}
        sources.switch_on_vault()
        monkeypatch.setenv("KIMP_VAULT_ADDR", vault.address)
        assert "its certificate is not trusted; name the CA in KIMP_VAULT_CACERT" in refused()
        assert not vault.logins
        monkeypatch.setenv("KIMP_VAULT_CACERT", str(file))
        assert load().upbit.access_key.get_secret_value() == "over-tls"


def test_vault_s_token_is_given_back_and_the_namespace_is_told(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.put("vault", {"upbit": {"secret_key": "s"}})
    monkeypatch.setenv("KIMP_VAULT_NAMESPACE", "trading")
    load()
    assert sources.vault.logins == 1
    assert not sources.vault.tokens
    assert set(sources.vault.namespaces) == {"trading"}


# Parameter Store


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """A server that refuses as AWS does; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": f"{AWS_SECRET} is the secret"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def real_aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Leads to a server at that address, as `mock_aws` answers for Amazon's own only."""

    def lead(endpoint: str) -> None:
        monkeypatch.setenv("KIMP_PARAMETER_STORE", Sources.PATH)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAKIMP")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", endpoint)

    return lead


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "AccessDeniedException", "reading is denied (AccessDeniedException); allow ssm:GetParametersByPath on"),
        (400, "ExpiredTokenException", "the credentials are not accepted (ExpiredTokenException); renew them"),
        (500, "InternalServerError", "AWS refused (InternalServerError)"),
    ],
)
@pytest.mark.usefixtures("sources")
def test_the_parameter_store_refuses(real_aws: Callable[[str], None], status: int, code: str, words: str) -> None:
    with answering(status, code) as endpoint:
        real_aws(endpoint)
        text = refused()
    assert text.startswith(f"bad configuration: parameter store {Sources.PATH}: ")
    assert words in text


@pytest.mark.usefixtures("sources")
def test_the_parameter_store_is_away(real_aws: Callable[[str], None]) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    real_aws(endpoint)
    text = refused()
    assert f"parameter store {Sources.PATH}: {endpoint}/ does not answer" in text
    assert "check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL_SSM" in text


@pytest.mark.usefixtures("sources")
def test_the_parameter_store_holds_nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_PARAMETER_STORE", "/kimp/prodction/")
    assert "/kimp/prodction/: there is nothing below this path; check KIMP_PARAMETER_STORE" in refused()


@pytest.mark.usefixtures("sources")
def test_the_parameter_store_without_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_PARAMETER_STORE", Sources.PATH)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    assert "no region; set AWS_DEFAULT_REGION" in refused()


@pytest.mark.usefixtures("sources")
def test_the_parameter_store_without_credentials(
    real_aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_aws("http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    assert "no credentials; give the machine a role, or set AWS_ACCESS_KEY_ID" in refused()


@pytest.mark.usefixtures("sources")
def test_the_parameter_store_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_PARAMETER_STORE", Sources.PATH)
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "kimp.config.parameter_store", raising=False)
    text = refused()
    assert text.endswith(f"parameter store {Sources.PATH}: boto3 is not installed; install kimp with `--extra aws`")


@pytest.mark.usefixtures("sources")
def test_a_path_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_PARAMETER_STORE", "kimp")
    assert "KIMP_PARAMETER_STORE" in refused()


# Files


def test_a_secrets_folder_that_is_not_there(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_SECRETS_DIR", str(sources.folder / "nowhere"))
    assert "secrets file: " in (text := refused())
    assert "nowhere" in text


def test_a_secret_that_is_no_text(sources: Sources) -> None:
    sources.put("secrets file", {"upbit": {"access_key": "a"}})
    (sources.folder / "secrets" / "upbit__secret_key").write_bytes(b"\xff\xfecanary")
    assert refused() == "bad configuration: secrets file: not UTF-8 at byte 0; save it as UTF-8"


def test_other_programs_folders_in_the_secrets_folder_are_none_of_ours(sources: Sources) -> None:
    sources.put("secrets file", {"upbit": {"access_key": "mine"}})
    other = sources.folder / "secrets" / "kubernetes.io"
    other.mkdir()
    (other / "token").write_text("theirs")
    (sources.folder / "secrets" / "vault_secret_id").write_text("for KIMP_VAULT_SECRET_ID_FILE")
    assert load().upbit.access_key.get_secret_value() == "mine"


def test_a_toml_file_that_does_not_parse(sources: Sources) -> None:
    (sources.folder / "kimp.toml").write_text("[trading\nthreshold = canary")
    text = refused()
    assert text.startswith("bad configuration: kimp.toml: ")
    assert "at line 1" in text
    assert "canary" not in text


def test_a_folder_where_a_toml_file_should_be(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    (sources.folder / "kimp.toml").mkdir()
    assert refused() == "bad configuration: kimp.toml: is a folder, where a TOML file is looked for"
    monkeypatch.setenv("KIMP_CONFIG", str(sources.folder))
    assert f"{sources.folder}: is a folder" in refused()


def test_an_environment_without_its_file(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.put("kimp.toml", {"trading": {"slippage": "0.005"}})
    monkeypatch.setenv("KIMP_ENVIRONMENT", "prodction")
    assert "kimp.prodction.toml: there is no such file, and the environment 'prodction' wants it" in refused()


@pytest.mark.usefixtures("sources")
def test_an_environment_that_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_ENVIRONMENT", "../../etc")
    assert "KIMP_ENVIRONMENT: use small letters, digits and -" in refused()


def test_a_named_file_that_is_not_there(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMP_CONFIG", str(sources.folder / "own.toml"))
    assert "own.toml: there is no such file, and KIMP_CONFIG names it" in refused()
    (sources.folder / "own.toml").write_text("[config]\nrefresh_s = 7\n")
    assert load().config.refresh_s == 7, "KIMP_CONFIG is a file's name, KIMP_CONFIG__... are settings"


@pytest.mark.usefixtures("sources")
def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compose file makes them of what is not set."""
    monkeypatch.setenv("KIMP_REDIS_URL", "")
    monkeypatch.setenv("KIMP_VAULT_ADDR", "")
    assert load().redis_url is None

"""Settings in HashiCorp Vault: one secret of a KV version 2 store, read with an AppRole. pydantic-settings has no such
source. Import it only where Vault is named: hvac is optional.
"""

import contextlib
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import hvac
from hvac import exceptions as vault_errors
from requests.exceptions import SSLError

from kimp.config.settings import Sourced
from kimp.config.switches import Switches
from kimp.config.variables import Variables
from kimp.domain.errors import BadConfig

TIMEOUT_S = 5
NO_VAULT = (KeyError, TypeError, ValueError, AttributeError)
"""What hvac and we run into when something else answers."""


class VaultSource(Variables):
    """The secret's names are those of the variables without `KIMP_` (`upbit__secret_key`); a value may be JSON."""

    def __init__(self, kind: type[Sourced], secret: Mapping[str, Any]) -> None:
        self._secret = secret
        super().__init__(kind, env_prefix="")

    def _load_env_vars(self) -> Mapping[str, str | None]:
        texts = {n.lower(): v if isinstance(v, str) else json.dumps(v) for n, v in self._secret.items()}
        return {name: text for name, text in texts.items() if self.is_setting(name)}


def open_vault(kind: type[Sourced], switches: Switches) -> VaultSource:
    """Log in, read once, give the token back: it lives no longer than that. Raises BadConfig with one line."""
    where = f"vault at {_address(str(switches.vault_addr))}"
    secret_id = _secret_id(switches)
    client = hvac.Client(
        url=switches.vault_addr,
        namespace=switches.vault_namespace,
        verify=str(switches.vault_cacert) if switches.vault_cacert else True,
        timeout=TIMEOUT_S,
    )
    try:
        _log_in(client, switches, secret_id, where)
        secret = _read(client, switches, where)
        with contextlib.suppress(vault_errors.VaultError):
            client.auth.token.revoke_self()
    except SSLError:
        raise BadConfig(f"{where}: its certificate is not trusted; name the CA in KIMP_VAULT_CACERT") from None
    except OSError as error:  # also what `requests` raises; its texts hold the URL, so only the name is told
        raise BadConfig(f"{where}: does not answer ({type(error).__name__}); check KIMP_VAULT_ADDR") from None
    except vault_errors.VaultDown:
        raise BadConfig(f"{where}: is sealed or not ready; unseal it") from None
    except vault_errors.VaultError as error:
        raise BadConfig(f"{where}: failed ({type(error).__name__}); look into its own log") from None
    finally:
        client.adapter.close()
    return VaultSource(kind, secret)


def _log_in(client: Any, switches: Switches, secret_id: str, where: str) -> None:
    try:
        client.auth.approle.login(role_id=switches.vault_role_id, secret_id=secret_id)
    except (vault_errors.InvalidRequest, vault_errors.Forbidden, vault_errors.Unauthorized):
        raise BadConfig(
            f"{where}: refused the AppRole; check KIMP_VAULT_ROLE_ID and the secret id, which may have expired"
        ) from None
    except vault_errors.InvalidPath:
        raise BadConfig(f"{where}: has no AppRole login; enable it with `vault auth enable approle`") from None
    except OSError:
        raise
    except NO_VAULT:
        raise BadConfig(f"{where}: what answers there is no Vault; check KIMP_VAULT_ADDR") from None


def _read(client: Any, switches: Switches, where: str) -> Mapping[str, Any]:
    mount, path = switches.vault_mount, switches.vault_path
    try:
        answer = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
        return cast("Mapping[str, Any]", dict(answer["data"]["data"]))
    except vault_errors.Forbidden:
        raise BadConfig(f"{where}: the AppRole may not read; its policy needs read on {mount}/data/{path}") from None
    except vault_errors.InvalidPath:
        raise BadConfig(
            f"{where}: there is nothing at {mount}/{path}; check KIMP_VAULT_MOUNT and KIMP_VAULT_PATH"
        ) from None
    except OSError:
        raise
    except NO_VAULT:
        raise BadConfig(f"{where}: {mount} is no KV version 2 store; check KIMP_VAULT_MOUNT") from None


def _secret_id(switches: Switches) -> str:
    if switches.vault_secret_id_file is None:
        return switches.vault_secret_id.get_secret_value() if switches.vault_secret_id else ""
    try:
        return switches.vault_secret_id_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        name = type(error).__name__
        raise BadConfig(f"KIMP_VAULT_SECRET_ID_FILE: {switches.vault_secret_id_file} cannot be read ({name})") from None


def _address(url: str) -> str:
    """Without a password that somebody may have put into it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

"""Where the settings come from: read before all of them, from the environment and `.env` only."""

from pathlib import Path
from typing import Annotated

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from kimp.config.section import ApiKeyText, RestUrl, matching
from kimp.config.wording import sentence
from kimp.domain.errors import BadConfig

ENV_FILE = ".env"
Name = Annotated[str, matching("[a-z0-9][a-z0-9-]*", "use small letters, digits and -, e.g. production")]
StorePath = Annotated[str, matching(r"/[\w./-]+", "write a path, e.g. /kimp/production/")]


class Switches(BaseSettings):
    """Each is an environment variable that begins with `KIMP_`."""

    model_config = SettingsConfigDict(
        env_prefix="KIMP_",
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    arguments: dict[str, str] = {}
    """What `kimp --set` says, as JSON: names and texts. So it goes on to the processes that a command starts."""
    config: Path | None = None
    """The TOML file; left out, `kimp.toml` in the working directory, if it is there."""
    environment: Name | None = None
    """Name of what this is run for, e.g. `production`, `staging`, `paper`: `kimp.production.toml` goes before
    `kimp.toml`, and must be there.
    """
    secrets_dir: Path | None = None
    """A folder with a file per setting, e.g. `/run/secrets` with `upbit__secret_key` in it."""
    parameter_store: StorePath | None = None
    """A path in AWS Parameter Store, e.g. `/kimp/production/`, that holds settings."""
    vault_addr: RestUrl | None = None
    """HashiCorp Vault, e.g. `https://vault.internal:8200`."""
    vault_mount: str = "secret"
    """Where its KV version 2 store is mounted."""
    vault_path: str | None = None
    """The secret in that store that holds settings, e.g. `kimp/production`."""
    vault_role_id: str | None = None
    """AppRole that kimp logs in as."""
    vault_secret_id: ApiKeyText | None = None
    """Its secret id."""
    vault_secret_id_file: Path | None = None
    """A file with the secret id instead, read anew at each login."""
    vault_namespace: str | None = None
    """Vault Enterprise's namespace."""
    vault_cacert: Path | None = None
    """The CA that signed Vault's certificate, if the system does not know it."""

    @model_validator(mode="after")
    def _vault_is_whole(self) -> "Switches":
        if self.vault_addr is None:
            # The secret id alone is no slip: its file may be mounted everywhere.
            if lost := [f"KIMP_VAULT_{name.upper()}" for name in ("path", "role_id") if getattr(self, f"vault_{name}")]:
                raise ValueError(f"{' and '.join(lost)} would be ignored without KIMP_VAULT_ADDR; set it too")
            return self
        lacking = [f"KIMP_VAULT_{name.upper()}" for name in ("path", "role_id") if not getattr(self, f"vault_{name}")]
        if self.vault_secret_id is None and self.vault_secret_id_file is None:
            lacking.append("KIMP_VAULT_SECRET_ID or KIMP_VAULT_SECRET_ID_FILE")
        if lacking:
            raise ValueError(f"KIMP_VAULT_ADDR needs {', '.join(lacking)} too")
        return self

    @property
    def has_store(self) -> bool:
        """Whether there is a place where keys may be changed while kimp runs."""
        return any((self.parameter_store, self.vault_addr, self.secrets_dir))


def read_switches(environment: str | None = None) -> Switches:
    """`environment` goes before KIMP_ENVIRONMENT. Raises BadConfig with all problems."""
    try:
        return Switches() if environment is None else Switches(environment=environment)
    except ValidationError as error:
        lines = [
            (f"KIMP_{detail['loc'][0]}: ".upper() if detail["loc"] else "") + sentence(detail)
            for detail in error.errors()
        ]
        raise BadConfig("bad configuration; mend it in the environment or .env: " + "; ".join(lines)) from None
    except UnicodeDecodeError as error:
        raise BadConfig(f"{ENV_FILE}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except (OSError, SettingsError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadConfig(f"bad configuration; mend it in the environment or .env: {why}") from None

"""Settings in AWS Systems Manager Parameter Store. Region, endpoint and credentials are AWS's own variables.

Import it only where a path is named: boto3 is large, and optional.
"""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from pydantic_settings import AWSSystemsManagerSettingsSource

from kimp.config.settings import Sourced
from kimp.config.variables import Variables
from kimp.domain.errors import BadConfig

TIMEOUT_S = 5
TRIES = 2
CREDENTIALS = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException"})


class ParameterStore(Variables, AWSSystemsManagerSettingsSource):
    """One parameter per setting below the path, nested with `/`: `/kimp/production/upbit/secret_key`."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        # pydantic-settings' own client waits a minute, five times over, for a network that swallows everything.
        limits = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": TRIES})
        self._ssm_client = boto3.client("ssm", config=limits)
        return super()._load_env_vars()


def open_parameter_store(kind: type[Sourced], path: str) -> ParameterStore:
    """Read everything below the path once. Raises BadConfig with one line."""
    where = f"parameter store {path}"
    try:
        store = ParameterStore(kind, ssm_path=path, env_prefix="")
    except NoRegionError:
        raise BadConfig(f"{where}: no region; set AWS_DEFAULT_REGION") from None
    except NoCredentialsError:
        raise BadConfig(
            f"{where}: no credentials; give the machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ClientError as error:
        raise BadConfig(f"{where}: {_refusal(error.response, path)}") from None
    except EndpointConnectionError as error:
        raise BadConfig(f"{where}: {error.kwargs['endpoint_url']} does not answer; {_HINT}") from None
    except BotoCoreError as error:
        raise BadConfig(f"{where}: does not answer ({type(error).__name__}); {_HINT}") from None
    if not store.env_vars:
        raise BadConfig(f"{where}: there is nothing below this path; check KIMP_PARAMETER_STORE")
    return store


_HINT = "check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL_SSM"


def _refusal(response: Any, path: str) -> str:
    code = response.get("Error", {}).get("Code", "no code")
    if code in CREDENTIALS:
        return f"the credentials are not accepted ({code}); renew them"
    if code.startswith("AccessDenied"):
        return f"reading is denied ({code}); allow ssm:GetParametersByPath on {path} and kms:Decrypt on its key"
    return f"AWS refused ({code})"

"""The Temporal server that its own environment variables and configuration file name."""

from temporalio.envconfig import ClientConfig, ClientConnectConfig

from kimp.domain.errors import BadConfig


def load_client_config() -> ClientConnectConfig:
    """Only what is named: no address where `TEMPORAL_ADDRESS` and the profile have none.

    Raises BadConfig for a profile, file or certificate that is not there or can't be read.
    """
    try:
        return ClientConfig.load_client_connect_config()
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
    except RuntimeError as error:
        why = str(error).splitlines()[0]  # the lines after it quote the file, which may hold a key
    raise BadConfig(
        f"Temporal's own configuration cannot be used: {why}; mend TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE or what they"
        " name, or unset them"
    )

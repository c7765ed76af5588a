"""Whose a namespace is. Its cycles are in the books of one database, and a worker with another one would book them
there: so each process that works on it compares the database's installation with the one that the namespace names.
"""

from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from kimp.domain.errors import BadConfig

INSTALLATION = "kimp_installation"
"""In the namespace's data."""
NOT_ALLOWED = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED)


async def claim(client: Client, installation: str, books: str, *, take_over: bool = False) -> None:
    """Make the namespace this installation's, unless it is one's already; `take_over`: also then.

    `books`: where the database is, for the message. Raises BadConfig where it is another's. Whoever may not write it
    into the namespace claims nothing.
    """
    owner = await _owner(client)
    if owner is None or (take_over and owner != installation):
        try:
            await client.workflow_service.update_namespace(
                UpdateNamespaceRequest(
                    namespace=client.namespace, update_info=UpdateNamespaceInfo(data={INSTALLATION: installation})
                )
            )
        except RPCError as error:
            if error.status in NOT_ALLOWED and not take_over:
                return
            raise
        owner = await _owner(client)
    if owner != installation:
        where = client.service_client.config.target_host
        raise BadConfig(
            f"namespace {client.namespace} on Temporal at {where} belongs to the kimp with installation {owner}, and"
            f" the database at {books} is that of {installation}: its cycles would be booked in the wrong place. Name"
            " that kimp's database in database_url, or for this one another server in TEMPORAL_ADDRESS (a port of its"
            " own in local.temporal_port) or another namespace in TEMPORAL_NAMESPACE. If that database is lost for"
            " good: `kimp temporal bootstrap --take-over`, then `kimp catch-up`"
        )


async def _owner(client: Client) -> str | None:
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return found.namespace_info.data.get(INSTALLATION) or None

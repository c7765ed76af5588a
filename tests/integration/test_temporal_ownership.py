"""A namespace's cycles are in one database's books, and no process works on it with another's."""

from uuid import uuid4

import pytest
from temporalio.client import Client

from kimp.adapters.temporal.bootstrap_namespace import prepare_namespace
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.ownership import claim
from kimp.domain.errors import BadConfig


@pytest.fixture
async def client(temporal_server: DevServer) -> Client:
    """Of a namespace that nobody has claimed yet."""
    made = await Client.connect(temporal_server.address, namespace=f"made-by-test-{uuid4().hex[:8]}")
    await prepare_namespace(made)
    return made


async def test_who_comes_first_has_it_and_every_other_database_is_refused(client: Client) -> None:
    await claim(client, "k7m2p", "here")
    await claim(client, "k7m2p", "here")
    with pytest.raises(BadConfig) as refused:
        await claim(client, "q2x4z", "/third/kimp.db")
    text = str(refused.value)
    assert f"namespace {client.namespace} on Temporal at 127.0.0.1:" in text
    assert "belongs to the kimp with installation k7m2p" in text
    assert "the database at /third/kimp.db is that of q2x4z" in text
    await claim(client, "k7m2p", "here")


async def test_a_person_gives_it_to_another_database(client: Client) -> None:
    await claim(client, "k7m2p", "here")
    await claim(client, "q2x4z", "there", take_over=True)
    await claim(client, "q2x4z", "there")
    with pytest.raises(BadConfig, match="q2x4z"):
        await claim(client, "k7m2p", "here")


async def test_what_is_mended_later_leaves_the_owner(client: Client) -> None:
    await claim(client, "k7m2p", "here")
    await prepare_namespace(client)
    with pytest.raises(BadConfig, match="k7m2p"):
        await claim(client, "q2x4z", "there")

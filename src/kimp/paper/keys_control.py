"""Keys come and go on the admin listener, as an owner would do it on the venue's web page.

POST   /_paper/keys    {"venue", "access", "secret", "rights": ["read", "trade", "withdraw"], "expires", ...}
DELETE /_paper/keys    {"venue", "access"}
"""

from aiohttp import web
from pydantic import SecretStr

from kimp.domain.venues import Venue
from kimp.paper.keys import PaperKey
from kimp.paper.wire import Command, answer, read_command
from kimp.paper.world import World


class NewKey(PaperKey):
    venue: Venue


class OldKey(Command):
    venue: Venue
    access: SecretStr


class KeyControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def bind(self, app: web.Application) -> None:
        app.router.add_post("/_paper/keys", self.add)
        app.router.add_delete("/_paper/keys", self.revoke)

    async def add(self, request: web.Request) -> web.Response:
        key = await read_command(request, NewKey)
        self._world.keys[key.venue].add(key)
        self._world.journal.write("key", venue=key.venue, rights=sorted(key.rights))
        return answer({"venue": key.venue, "rights": sorted(key.rights)})

    async def revoke(self, request: web.Request) -> web.Response:
        command = await read_command(request, OldKey)
        self._world.keys[command.venue].revoke(command.access.get_secret_value())
        self._world.journal.write("key_revoked", venue=command.venue)
        return answer({"venue": command.venue})

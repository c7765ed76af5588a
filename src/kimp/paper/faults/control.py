"""The operator's calls for faults, on the admin listener.

GET    /_paper/faults           {"plan", "waiting": scripted faults that have not struck, "counts": {kind: times}}
PUT    /_paper/faults           a plan, which takes the place of the present one; answers as GET
DELETE /_paper/faults           nothing goes wrong any more; what has begun runs to its end; answers as GET
POST   /_paper/faults/script    {"faults": [{"kind", "venue", "route", "seconds", "times"}]}; answers as GET
"""

from typing import Any

from aiohttp import web
from pydantic import Field

from kimp.paper.faults.injector import Injector
from kimp.paper.faults.plan import FaultPlan, ScriptedFault
from kimp.paper.journal import PaperJournal
from kimp.paper.wire import Command, answer, read_command


class ScriptCommand(Command):
    faults: tuple[ScriptedFault, ...] = Field(min_length=1)


class FaultControl:
    def __init__(self, injector: Injector, journal: PaperJournal) -> None:
        self._injector = injector
        self._journal = journal

    def bind(self, app: web.Application) -> None:
        app.router.add_get("/_paper/faults", self.show)
        app.router.add_put("/_paper/faults", self.replace)
        app.router.add_delete("/_paper/faults", self.clear)
        app.router.add_post("/_paper/faults/script", self.script)

    async def show(self, _request: web.Request) -> web.Response:
        return self._shown()

    async def replace(self, request: web.Request) -> web.Response:
        self._set(await read_command(request, FaultPlan))
        return self._shown()

    async def clear(self, _request: web.Request) -> web.Response:
        self._set(FaultPlan())
        return self._shown()

    async def script(self, request: web.Request) -> web.Response:
        command = await read_command(request, ScriptCommand)
        self._injector.script(command.faults)
        self._journal.write("fault_script", faults=command.model_dump(mode="json")["faults"])
        return self._shown()

    def _set(self, plan: FaultPlan) -> None:
        self._injector.set(plan)
        self._journal.write("fault_plan", plan=plan.model_dump(mode="json"))

    def _shown(self) -> web.Response:
        shown: dict[str, Any] = {
            "plan": self._injector.plan.model_dump(mode="json"),
            "waiting": [fault.model_dump(mode="json") for fault in self._injector.waiting],
            "counts": {kind.value: count for kind, count in self._injector.counts.items()},
        }
        return answer(shown)

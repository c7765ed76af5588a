"""The table of task queues in docs/architecture.md is what the workers register."""

import ast
import re

from architecture.project import ROOT

from kimp.bootstrap.temporal import WORKFLOWS
from kimp.contracts.queues import TaskQueue

ROW = re.compile(r"^\| `(kimp-\w+)` \| (.+?) \|", re.MULTILINE)


def test_the_document_names_all_that_each_queue_runs() -> None:
    rows = ROW.findall((ROOT / "docs/architecture.md").read_text())
    assert {queue: sorted(re.findall(r"`(\w+)`", names)) for queue, names in rows} == registered()


def registered() -> dict[str, list[str]]:
    """Queue -> names of its workflows and activities, as the composition root hands them to Temporal's workers."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse((ROOT / "src/kimp/bootstrap/workers.py").read_text())):
        match node:
            case ast.Call(
                func=ast.Name(id="_worker"),
                args=[_, _, ast.Attribute(attr=queue), ast.List(elts=activities)],
                keywords=options,
            ):
                names = [activity.attr for activity in activities if isinstance(activity, ast.Attribute)]
                if "workflows" in {option.arg for option in options}:
                    names += [workflow.__name__ for workflow in WORKFLOWS]
                found[TaskQueue[queue]] = sorted(names)
    assert set(found) == set(TaskQueue)
    return found

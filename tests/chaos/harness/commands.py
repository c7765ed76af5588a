"""kimp's own commands, as an operator types them."""

import asyncio
import json
from typing import Any

from chaos.harness.ground import Ground
from fakes.command import KIMP

WITHIN_S = 60


class Refused(Exception):
    """The command ended with another code than 0."""


async def kimp(ground: Ground, *arguments: str, within_s: float = WITHIN_S, code: int | None = 0) -> str:
    """Run it and return what it told. `code`: the only exit code that is well; None takes any."""
    child = await asyncio.create_subprocess_exec(
        KIMP,
        *arguments,
        env=ground.stack.environment,
        cwd=ground.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        raise Refused(f"kimp {' '.join(arguments)} took more than {within_s} s") from None
    ground.outputs[f"output {len(ground.outputs)}, `kimp {' '.join(arguments)}`"] = out + err
    if code is not None and child.returncode != code:
        raise Refused(f"kimp {' '.join(arguments)}: {err.decode().strip()[-300:]}")
    return out.decode()


async def kimp_json(ground: Ground, *arguments: str, within_s: float = WITHIN_S, code: int | None = 0) -> Any:
    return json.loads(await kimp(ground, *arguments, "--json", within_s=within_s, code=code))

"""Two images that no event told of, for the commands `images coverage` and `images backfill`.

They are made before the function listens. The first command finds them, and the second has them tagged.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from deploy.local.samples import MAIN, tags_of
from deploy.local.stack import PROJECT_ID, Stack

DAY = 86_400
"""Seconds."""

IMAGES = (("prod-nightly", 1, "grace@example.com"), ("golden-base", 30, None))
"""Name, age in days, and who made it, which Cloud Trace Service knows for a week."""


@dataclass
class Untold:
    """One such image. lacking: the tags that coverage says it lacks. tags: those that it has in the end."""

    name: str
    image_id: str
    lacking: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def faults(self, *, judged: bool) -> list[str]:
        """How what came of it differs from what should have."""
        if judged and not self.lacking:
            return ["coverage should find that it lacks tags"]
        if self.tags != self.lacking:
            return [f"its tags should be {self.lacking!r} and are {self.tags!r}"]
        return []


async def make(ims: str) -> list[Untold]:
    """Makes the images in the emulator at this address, without events."""
    made = []
    async with aiohttp.ClientSession(ims) as session:
        for name, days, creator in IMAGES:
            at = time.time() - days * DAY
            image = {"attributes": {"name": name}, "created_at": int(at)}
            async with session.post("/_emulator/images", json=image) as reply:
                image_id = (await reply.json())["id"]
            if creator:
                trace = {"trace_name": "createImage", "resource_id": image_id, "resource_name": name}
                trace |= {"time": int(at * 1000), "user": {"name": creator}}
                await session.post("/_emulator/traces", json={"traces": [trace]})
            made.append(Untold(name, image_id))
    return made


async def find_and_tag(stack: Stack, images: Sequence[Untold]) -> None:
    """Notes of the images what the two commands make of them."""
    untold = {each.image_id: each for each in images}
    for line in (await _run(stack, "coverage")).splitlines():
        row = json.loads(line)
        if row.get("image_id") in untold:
            untold[row["image_id"]].lacking = row["lacking"]
    await _run(stack, "backfill", "--to", stack.function, "--rate", "1000", "--id", *untold)
    for each in untold.values():
        each.tags = await tags_of(stack, each.image_id)


async def _run(stack: Stack, verb: str, *arguments: str) -> str:
    settings = {
        **stack.settings,
        "IMS_ENDPOINT": stack.ims,
        "CTS_ENDPOINT": stack.ims,
        "OS_TOKEN": stack.token,
        "PROJECTS": PROJECT_ID,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(MAIN), "images", verb, *arguments, "--json"),
        env=settings,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()

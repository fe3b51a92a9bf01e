"""What the local stack sends: the sample events, or a person's own, and what should come of each."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.journal import Record
from deploy.local.processes import ROOT, NotRunning
from deploy.local.stack import PROJECT_ID, Stack
from deploy.local.times import moved_to, newest

EVENTS = ROOT / "tests" / "events"
MAIN = ROOT / "main.py"

EventFile = tuple[Path, dict[str, Any]]
"""A file with an event, and what is known of it: what it is, and what should come of it."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""Any of them in a file may be the id of its image."""


class NoEvent(Exception):
    """A file that holds no event; the message says why."""


@dataclass
class Sample:
    """One thing that is sent, and what should come of it.

    expected: of the keys outcome, attempts, reason, tags; {} where nothing is known, as of a person's event.
    sequence: in the stream; 0 where somebody else published it.
    """

    title: str
    event_id: str
    image_id: str | None
    expected: dict[str, Any]
    sequence: int = 0

    def faults(self, status: Record, tags: dict[str, str], *, judged: bool = True) -> list[str]:
        """How what came of it differs from what should have.

        judged: whether the table is the one under which that is known; else a sample only has to end.
        """
        got = {
            "outcome": status.outcome,
            "attempts": status.attempts,
            "reason": status.last_line.get("reason"),
            "tags": tags,
        }
        if not status.ended:
            return ["it has not ended"]
        if self.expected and not judged:
            return []
        if not self.expected:
            return (
                []
                if status.outcome in {"tagged", "nothing-to-tag", "ignored"}
                else [f"it is {status.outcome}"]
            )
        return [
            f"{name} should be {wanted!r} and is {got[name]!r}"
            for name, wanted in self.expected.items()
            if got[name] != wanted
        ]


def shipped(folder: Path, now: datetime) -> list[EventFile]:
    """The sample events as files in a folder, as if each had happened now, with what should come of it.

    Files of which no outcome is told are none.
    """
    folder.mkdir()
    expected = json.loads((EVENTS / "expected.json").read_text(encoding="utf-8"))
    files = []
    for name, facts in expected.items():
        if "outcome" in facts:
            text = (EVENTS / name).read_text(encoding="utf-8")
            (folder / name).write_text(text_of(name, now), encoding="utf-8")
            files.append((folder / name, _moved(facts, now - (newest(text) or now))))
    return files


def titles() -> list[tuple[str, str]]:
    """Of every sample event: its file's name, and what it is."""
    expected = json.loads((EVENTS / "expected.json").read_text(encoding="utf-8"))
    return [(name, facts["what"]) for name, facts in expected.items()]


def text_of(name: str, now: datetime) -> str:
    """A sample event as if it happened now."""
    text = (EVENTS / name).read_text(encoding="utf-8")
    return moved_to(text, now - (newest(text) or now))


def _moved(facts: dict[str, Any], by: timedelta) -> dict[str, Any]:
    """What should come of a sample if it happens so much later: the tag of its day moves as well."""
    if "tags" not in facts:
        return facts
    created = facts["images"][0]["created_at"]
    later = moved_to(created, by)[: len("2026-01-05")]
    tags = {key: later if created.startswith(value) else value for key, value in facts["tags"].items()}
    return facts | {"tags": tags}


def own(paths: list[Path]) -> list[EventFile]:
    """A person's event files, read with the command `explain`. Raises NoEvent."""
    command = [sys.executable, str(MAIN), "explain", "--json", *map(str, paths)]
    answer = json.loads(subprocess.run(command, env={}, stdout=subprocess.PIPE, check=False).stdout)
    for file in answer["files"]:
        if "fault" in file:
            raise NoEvent(f"{file['fault']}.")
        if [bool(each["event"].get("id")) for each in file["events"]] != [True]:
            raise NoEvent(f"{file['file']} must hold one event with an id, by which the logs name it.")
    return [
        (path, {"what": str(path), "images": _images(path, file)})
        for path, file in zip(paths, answer["files"], strict=True)
    ]


def _images(path: Path, file: dict[str, Any]) -> list[dict[str, str]]:
    """The images that an event file may be about, with the names that `explain` reads in it."""
    images = [image["image"] for event in file["events"] for image in event["images"]]
    names = {image.get("id"): image.get("name") or "" for image in images}
    ids = UUID.findall(path.read_text(encoding="utf-8", errors="replace"))
    return [{"id": each, "name": names.get(each, "")} for each in dict.fromkeys(ids)]


async def send(stack: Stack, events: Sequence[EventFile]) -> list[Sample]:
    """Publishes events with the command `send`. The images that they may be about exist in the emulator then.

    Raises NotRunning.
    """
    async with aiohttp.ClientSession(stack.ims) as session:
        for image in (image for _, facts in events for image in facts["images"] if "id" in image):
            attributes = {"name": image.get("name") or "image"}
            await session.post("/_emulator/images", json={"id": image["id"], "attributes": attributes})
    rows = await _publish(stack, [str(path) for path, _ in events])
    samples = []
    for (_, facts), row in zip(events, rows, strict=True):
        expected: dict[str, Any] = {key: facts[key] for key in ("outcome", "reason", "tags") if key in facts}
        samples.append(Sample(facts["what"], row["id"], facts.get("image_id"), expected, row["sequence"]))
    return samples


async def _publish(stack: Stack, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the command says of each file. Raises NotRunning."""
    command = [sys.executable, str(MAIN), "send", *names, "--to", stack.bus]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--subject", "images.samples", "--rate", "1000", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    answer = json.loads(output)
    failed = [row["detail"] for row in answer.get("sent", ()) if row["outcome"] != "published"]
    for why in [*answer.get("errors", ()), *failed]:
        raise NotRunning(f"The events were not published: {why}.")
    sent: list[dict[str, Any]] = answer["sent"]
    return sent


async def tags_of(stack: Stack, image_id: str) -> dict[str, str]:
    """The tags that an image has now."""
    headers = {"X-Auth-Token": stack.token}
    url = f"/v2/{PROJECT_ID}/images/{image_id}/tags"
    async with aiohttp.ClientSession(stack.ims, headers=headers) as session, session.get(url) as reply:
        tags = (await reply.json())["tags"]
    return {tag["key"]: tag["value"] for tag in tags}

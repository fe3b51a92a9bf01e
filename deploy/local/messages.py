"""Event files as messages for the bus (CloudEvents NATS protocol binding)."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

ID = re.compile(r'\\*"(trace_id|message_id)\\*": ?\\*"([^"\\]+)')


class NoEvent(Exception):
    """A file that holds no event; the message says why."""


@dataclass(frozen=True)
class Message:
    """What is published for an event file.

    event_id: by which the logs name it. image_ids: every UUID in it, since any may be the image's.
    """

    name: str
    headers: dict[str, str]
    body: bytes
    event_id: str

    @property
    def image_ids(self) -> list[str]:
        everything = self.body.decode(errors="replace") + str(self.headers)
        return list(dict.fromkeys(UUID.findall(everything)))


def read(path: Path) -> Message:
    """Reads `.http` (headers, an empty line, a body) as binary mode, JSON as structured. Raises NoEvent."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoEvent(f"{path} cannot be read: {error.strerror}.") from None
    headers, body, event_id = _binary(content) if path.suffix == ".http" else _json(path, content)
    if not isinstance(event_id, str) or not event_id:
        raise NoEvent(f"{path} holds no event: it has no id, as CloudEvents, traces and notifications have.")
    return Message(path.name, headers, body, event_id)


def _binary(content: bytes) -> tuple[dict[str, str], bytes, Any]:
    head, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [line.partition(":") for line in head.decode(errors="replace").splitlines()]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    return headers, body.strip(), "ce-specversion" in headers and headers.get("ce-id")


def _json(path: Path, content: bytes) -> tuple[dict[str, str], bytes, Any]:
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        raise NoEvent(f"{path} is not JSON; an event in binary mode needs the ending .http.") from None
    if not isinstance(event, dict):
        raise NoEvent(f"{path} holds no event: an event is a JSON object.")
    if "specversion" in event:
        return {"Content-Type": "application/cloudevents+json"}, content, event.get("id")
    headers = {"Content-Type": "application/json"}
    if isinstance(held := event.get("events"), list) and held and isinstance(held[0], dict):
        return headers, content, held[0].get("id")
    # Elsewhere the id that counts may stand in JSON within JSON.
    ids = dict(reversed(ID.findall(content.decode(errors="replace"))))
    return headers, content, ids.get("trace_id") or ids.get("message_id")

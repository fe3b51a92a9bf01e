"""Messages as files that the commands take, and as texts that a person edits."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.local.journal import Message, Record

CURL_MAX = 100_000
"""Characters of a command that a shell takes."""


class NoMessage(Exception):
    """A text that is no message; the sentence says why."""


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether it is a CloudEvent in binary mode."""
    return any(name.lower() == "ce-specversion" for name in headers)


def text_of(message: Message) -> str:
    """A message as a person edits it: JSON, or for binary mode headers, an empty line and the body."""
    body = (message.body or b"").decode(errors="replace")
    if is_binary(message.headers):
        lines = [f"{name}: {value}" for name, value in message.headers.items() if _of_the_event(name)]
        return "\n".join([*lines, "", body])
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def message_of(text: str) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a text that a person wrote. Raises NoMessage."""
    text = text.replace("\r\n", "\n").strip()
    if text[:1] in {"{", "["}:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoMessage(f"The event is not JSON: {error}.") from None
        first = event[0] if isinstance(event, list) and event else event
        kind = "application/json"
        if isinstance(first, dict) and "specversion" in first:
            kind = f"application/cloudevents{'-batch' if isinstance(event, list) else ''}+json"
        return {"Content-Type": kind}, text.encode()
    head, _, body = text.partition("\n\n")
    headers = dict(line.split(":", 1) for line in head.split("\n") if ":" in line)
    if not is_binary(headers):
        raise NoMessage(
            "Write JSON, or the headers of binary mode (ce-specversion: 1.0 ...), an empty line, and data."
        )
    return {name.strip(): value.strip() for name, value in headers.items()}, body.encode()


def file_of(folder: Path, record: Record) -> Path | None:
    """The file with a record's message for the commands; None if the message was not kept."""
    message = record.message
    if message is None or message.body is None:
        return None
    path = folder / f"{record.number}.{'http' if is_binary(message.headers) else 'json'}"
    if not path.exists():
        head = "".join(f"{name}: {value}\n" for name, value in message.headers.items() if _of_the_event(name))
        in_front = f"{head}\n".encode() if path.suffix == ".http" else b""
        path.write_bytes(in_front + message.body)
    return path


def written_images(folder: Path, images: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Files of images as IMS describes them, of which each is whole for a command that reads it meanwhile."""
    folder.mkdir(exist_ok=True)
    files = []
    for image_id, image in images.items():
        path, content = folder / f"{image_id}.json", json.dumps(image)
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            new = folder / f"{image_id}.{uuid4().hex}"
            new.write_text(content, encoding="utf-8")
            new.replace(path)
        files.append(path)
    return files


def curl_of(function: str, message: Message) -> str:
    """The command that posts a message to the function, past the bus."""
    names = [
        name for name in message.headers if name.lower() == "content-type" or name.lower().startswith("ce-")
    ]
    headers = {name: message.headers[name] for name in names}
    if not is_binary(message.headers):
        headers.setdefault("Content-Type", "application/json")
    parts = ["curl", "-i", function]
    for name, value in headers.items():
        parts += ["-H", f"{name}: {value}"]
    body = (message.body or b"").decode(errors="replace")
    command = shlex.join([*parts, "--data-binary", body])
    return command if len(command) <= CURL_MAX else ""


def _of_the_event(name: str) -> bool:
    return name.lower().startswith("ce-") or name.lower() == "content-type"

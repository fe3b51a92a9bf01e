"""Keeps dead letters: a WSGI application that appends each CloudEvent it receives to a file, as a JSON line.

Served by gunicorn with one worker, the only writer. The lines are events in structured mode, as
`python main.py dead-letters` reads them.
"""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PATH = Path(os.environ["DEAD_LETTERS"])

_one_at_a_time = threading.Lock()


def keep(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """204 when the event is on disk; 400 to what is no event; 503 where the disk does not take it."""
    status, words = "204 No Content", b""
    if environ["REQUEST_METHOD"] != "POST":
        status = "200 OK"
    else:
        try:
            _append(_event(environ, environ["wsgi.input"].read()))
        except (ValueError, RecursionError) as error:
            status, words = "400 Bad Request", f"not a CloudEvent: {error}".encode()
        except OSError as error:
            status, words = "503 Service Unavailable", f"not kept: {error.strerror}".encode()
    start_response(status, [("Content-Length", str(len(words))), ("Content-Type", "text/plain")])
    return [words]


def _event(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The event in structured mode, whichever it came in (CloudEvents HTTP protocol binding, 3.1 and 3.2)."""
    content_type = environ.get("CONTENT_TYPE", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/cloudevents+json":
        event = json.loads(body)
    else:
        attributes = {name: unquote(text) for name, text in environ.items() if name.startswith("HTTP_CE_")}
        event = {name.removeprefix("HTTP_CE_").lower(): text for name, text in attributes.items()}
        event |= {"datacontenttype": content_type} if content_type else {}
        event |= _data(media_type, body) if body else {}
    if not (isinstance(event, dict) and "specversion" in event):
        raise ValueError("it has no specversion")
    return event


def _data(media_type: str, body: bytes) -> dict[str, Any]:
    if media_type.endswith(("/json", "+json")):
        try:
            return {"data": json.loads(body)}
        except (ValueError, RecursionError):
            pass  # it may be a dead letter for that very reason
    return {"data_base64": base64.b64encode(body).decode()}


def _append(event: dict[str, Any]) -> None:
    line = json.dumps(event).encode() + b"\n"
    with _one_at_a_time, open(PATH, "ab+", opener=_private) as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            # The last writer was killed or the disk was full: its piece of a line must not spoil this one.
            line = line if file.read() == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

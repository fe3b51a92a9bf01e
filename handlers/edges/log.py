"""Logs one JSON object a line: a name and fields."""

import json
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error")

Log = Callable[..., None]
"""log(name, severity="INFO", error=None, **fields)"""


def log_to_stdout(level: str) -> Log:
    """A log on standard output. It leaves out lines below `level`, and empty fields.

    Log services know the names `severity`, `message` and `time`. JSON escapes every control character, so no
    attribute of an event can end a line or forge one.
    """
    lowest = LEVELS.index(level)

    def log(message: str, severity: str = "INFO", error: BaseException | None = None, **fields: Any) -> None:
        if LEVELS.index(severity.lower()) < lowest:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        known = {name: value for name, value in fields.items() if value not in (None, "", [])}
        line = {"time": time, "severity": severity, "message": message, **known}
        if error is not None:
            line["traceback"] = _places(error)
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    return log


def _places(error: BaseException | None) -> list[str]:
    """The places where an error and its causes were raised, without messages, which may quote a request."""
    places = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places += [
            type(error).__qualname__,
            *(f"{each.filename}:{each.lineno} {each.name}" for each in frames),
        ]
        error = error.__cause__ or error.__context__
    return places

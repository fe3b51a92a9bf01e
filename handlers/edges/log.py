"""One JSON object a line: an event name and fields."""

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
    """A log that leaves out lines below `level`, and fields that say nothing.

    The names `severity`, `message` and `time` are those that log services read. JSON escapes every control
    character, so that no attribute of an event can end a line or forge one.
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
    """Where an error was raised, and where those before it were. Their words stay out: they hold what was
    sent.
    """
    places = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places += [
            type(error).__qualname__,
            *(f"{each.filename}:{each.lineno} {each.name}" for each in frames),
        ]
        error = error.__cause__ or error.__context__
    return places

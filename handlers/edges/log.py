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
    """A log that leaves out lines below `level`, and fields that have nothing to tell.

    The names `severity`, `message` and `time` are those that log services read. JSON escapes every control
    character, so that no attribute of an event can end a line or forge one.
    """
    lowest = LEVELS.index(level)

    def log(message: str, severity: str = "INFO", error: BaseException | None = None, **fields: Any) -> None:
        if LEVELS.index(severity.lower()) < lowest:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {name: value for name, value in fields.items() if value not in (None, "", [])}
        line = {"time": time, "severity": severity, "message": message, **told}
        if error is not None:
            line["traceback"] = "".join(traceback.format_exception(error))
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    return log

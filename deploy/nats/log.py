"""Log lines."""

import json
import sys
from datetime import UTC, datetime


def log(message: str, severity: str = "INFO", **fields: object) -> None:
    """Write one JSON object as a line to standard output: the name of what happened, and its fields."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": time, "severity": severity, "message": message, **fields})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

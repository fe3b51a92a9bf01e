"""What the start of the function goes to."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from tests.bench.rows import Row
from tests.support.paths import ROOT

STEPS = {
    "functions-framework, with Flask and the CloudEvents SDK": "import functions_framework",
    "gunicorn": "import gunicorn.app.base, gunicorn.arbiter, gunicorn.glogging, gunicorn.workers.gthread",
    "requests, with urllib3": "import requests",
    "main.py": "import main",
    "the settings, the table and what calls the tag API": "main.tag_created_image",
}
"""In this order: what two of them need, the first one imports."""

_MODULE = re.compile(r"import time: +(\d+) \| +\d+ \| +(handlers\S*)")
"""What Python writes for a module of ours: the microseconds that it took without those that it imported."""


def imports(rounds: int = 20) -> list[Row]:
    """Milliseconds until the function is built, step by step, and those of `main.py` by package.

    They end where gunicorn would begin to listen. Python itself measures the packages, which makes them a
    little slower.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        for what, milliseconds in (_steps() | _packages()).items():
            found[what].append(milliseconds)
    # The first start has written the bytecode that the others read.
    return [Row(what, "ms", each[1:]) for what, each in found.items()]


def _steps() -> dict[str, float]:
    timed = "".join(f"{step}\nat.append(time.perf_counter())\n" for step in STEPS.values())
    program = (
        f"import time\nat = [time.perf_counter()]\n{timed}import json, sys\nsys.stderr.write(json.dumps(at))"
    )
    at = json.loads(_start("-c", program))
    return {what: (after - before) * 1000 for what, (before, after) in zip(STEPS, pairwise(at), strict=True)}


def _packages() -> dict[str, float]:
    took: dict[str, float] = defaultdict(float)
    for microseconds, module in _MODULE.findall(_start("-X", "importtime", "-c", ";".join(STEPS.values()))):
        folder = Path(*module.split(".")[:3])
        took[str(folder if (ROOT / folder).is_dir() else folder.parent)] += int(microseconds) / 1000
    return dict(sorted(took.items()))


def _start(*arguments: str) -> str:
    """What it writes to standard error; the log goes to standard output."""
    needed = {"IMS_ENDPOINT": "http://127.0.0.1:9", "OS_TOKEN": "canary-token-of-the-benchmarks"}
    command = [sys.executable, *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | needed, capture_output=True, text=True, check=True
    )
    return ended.stderr

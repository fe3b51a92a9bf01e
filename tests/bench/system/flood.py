"""More events than the tag API lets pass."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.rig.producer import publish
from tests.bench.rig.system import running
from tests.bench.rows import Row
from tests.processes.function import created

RULES = """
[[rule]]
name = "one tag, one call"
tags.created-by = "{{ image.creator.name }}"
"""


def flood(count: int = 5_000, calls_a_second: int = 100) -> list[Row]:
    """How fast a backlog drains at an API that limits calls.

    here: from the first call to the last, for events that all wait when the
    subscription starts, each with one tag. beside: the time that the limit takes.
    A call above the limit is answered 429 with Retry-After: 1.
    """
    with TemporaryDirectory(prefix="flood-") as folder:
        rules = Path(folder) / "rules.toml"
        rules.write_text(RULES, encoding="utf-8")
        with running(RULES=str(rules)) as system:
            system.subscription.kill()
            images = [system.ims.image() for _ in range(count)]
            asyncio.run(publish([created(image) for image in images], [system.bus.url]))
            system.ims.limit_rate(calls_a_second, retry_after=1)
            system.keep_up()
            system.drain(within=10 * count / calls_a_second + 30)
            calls, rate = system.ims.calls("PUT"), system.ims.rate()
            untagged = sum(system.ims.tags(image) != {"created-by": "ada"} for image in images)
    took, ideal = calls[-1]["time"] - calls[0]["time"], count / calls_a_second
    return [
        Row("drained", "s", [took], [ideal], goal=1.25),
        Row("calls answered 429", "%", [100 * rate["limited"] / len(calls)], goal=10),
        Row("events a second", "", [count / took]),
        Row("images without their tag", "", [untagged], goal=0, must=True),
    ]

"""More events than the tag API lets pass."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from nats.js import JetStreamContext

from tests.bench.rows import Row
from tests.bench.system import running
from tests.function import created

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
            bodies = [json.dumps(created(image)).encode() for image in images]
            system.bus.do(lambda js: _publish(js, bodies))
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


async def _publish(stream: JetStreamContext, bodies: Sequence[bytes]) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    for start in range(0, len(bodies), 250):
        await asyncio.gather(
            *(stream.publish("images.created", body, headers=headers) for body in bodies[start : start + 250])
        )

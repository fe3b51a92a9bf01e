"""What `deploy/local/up` shows, in 80 columns."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.samples import Sample
from deploy.local.stack import PROJECT_ID, Stack
from deploy.local.watch import Fate


def result(sample: Sample, fate: Fate, tags: Mapping[str, str], faults: Sequence[str]) -> str:
    """One sample: what it is, how it ended, the image and its tags, and why it is not as it should be."""
    lines = [f"  {sample.title}", f"    {ending(fate)}"]
    if fate.outcome == "tagged" and sample.image_id:
        lines.append(f"    image {sample.image_id}")
    if tags:
        lines += _wrapped("tags  ", " ".join(f"{key}={value}" for key, value in tags.items()))
    if fate.retried_for:
        lines += _wrapped("first ", fate.retried_for)
    if fate.outcome in {"ignored", "dead-letter", "not ended"}:
        lines += _wrapped("why   ", fate.why)
    for fault in faults:
        lines += _wrapped("FAULT ", fault)
    return "\n".join(lines)


def ending(fate: Fate) -> str:
    attempts = "1 attempt" if fate.attempts == 1 else f"{fate.attempts} attempts"
    return f"{fate.outcome}, {attempts}"


def summary(fates: Sequence[Fate], faults: int) -> str:
    counts = ", ".join(f"{number} {outcome}" for outcome, number in Counter(f.outcome for f in fates).items())
    judged = f"{faults} not as it should be, see FAULT above" if faults else "all as they should be"
    events = "1 event" if len(fates) == 1 else f"{len(fates)} events"
    return "\n" + textwrap.fill(f"{events}: {counts}; {judged}.", 80)


def news(event_id: str, fate: Fate) -> str:
    """An event that came while the stack stays up."""
    written = fate.said.get("written", [])
    tags = " ".join(f"{tag['key']}={tag['value']}" for tag in written) or fate.why
    about = fate.said.get("image_id", event_id)
    return "\n".join([f"  {about}", f"    {ending(fate)}", *_wrapped("", tags)])


def what_now(stack: Stack, folder: Path) -> str:
    """Where things are, and four commands to copy into another terminal."""
    return f"""
Everything stays up; Ctrl-C stops it. Logs: {folder}
Copy into another terminal, in this folder:

  export IMS={stack.ims} FUNCTION={stack.function}
  export OS_TOKEN={stack.token}

  # create an image; its event comes over the bus
  curl -s $IMS/v2/images -H "X-Auth-Token: $OS_TOKEN" -d '{{"name": "prod-x"}}'

  # post an event to the function
  curl -i $FUNCTION -H 'Content-Type: application/cloudevents+json' \\
    -d @tests/events/plain-structured.json

  # list an image's tags
  curl -s -H "X-Auth-Token: $OS_TOKEN" \\
    $IMS/v2/{PROJECT_ID}/images/62a15f6c-9197-44d2-89c7-708981c1bec1/tags

  # the next two calls of the tag API fail; create an image again to see it
  curl -s $IMS/_emulator/faults \\
    -d '{{"status": 503, "times": 2, "match": {{"path": "/v1/cloudimages/tags"}}}}'

What becomes of events:"""


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        80,
        initial_indent=f"    {label}",
        subsequent_indent=" " * (4 + len(label)),
        break_on_hyphens=False,
    )

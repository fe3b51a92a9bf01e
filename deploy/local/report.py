"""What `deploy/local/up` prints: in colour on a terminal, in 80 columns elsewhere.

The commands have a `plain` of their own: what runs around the function imports nothing from it.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.local.journal import Record
from deploy.local.samples import Sample
from deploy.local.stack import PROJECT_ID, Stack
from deploy.local.untold_images import Untold

WIDTH = 80
"""Columns, if the output is not a terminal."""

STYLES = {
    "tagged": "green",
    "dead-letter": "bold red",
    "refused": "bold red",
    "retry": "yellow",
    "on its way": "yellow",
}
"""Of outcomes."""


def printer() -> Callable[[RenderableType], None]:
    """Returns what prints to standard output, treats no text as markup, and respects NO_COLOR."""
    console = Console(
        width=None if sys.stdout.isatty() else WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        highlight=False,
        emoji=False,
    )

    def show(renderable: RenderableType) -> None:
        with console.capture() as capture:
            console.print(renderable, crop=False)
        # Columns are filled with spaces up to their width.
        sys.stdout.write("\n".join(line.rstrip(" ") for line in capture.get().split("\n")))
        sys.stdout.flush()

    return show


def render_part(name: str, address: str) -> RenderableType:
    """A part of the stack that is ready."""
    return _rows([(name, address)], indent=2, width=len("subscription  "))


def render_result(
    sample: Sample, status: Record, tags: Mapping[str, str], faults: Sequence[str]
) -> RenderableType:
    """One sample: what it is, how it ended, the image and its tags, and why it is not as it should be."""
    rows = []
    if status.outcome == "tagged" and sample.image_id:
        rows.append(("image", sample.image_id))
    if tags:
        rows.append(("tags", " ".join(f"{key}={value}" for key, value in tags.items())))
    if status.retry_reason:
        rows.append(("first", status.retry_reason))
    if status.outcome in {"ignored", "dead-letter", "retry", "on its way"}:
        rows.append(("why", status.reason))
    rows += [("FAULT", fault) for fault in faults]
    title = Text(f"  {plain(sample.title)}", "bold")
    return Group(title, _ending(status), _rows(rows, indent=4, width=len("FAULT")))


def render_untold(image: Untold, faults: Sequence[str]) -> RenderableType:
    """An image that no event told of: what it lacked, and its tags now."""
    rows = [
        ("lacked", ", ".join(map(plain, image.lacking)) or "nothing"),
        ("tags", " ".join(f"{key}={value}" for key, value in image.tags.items()) or "none"),
        *(("FAULT", fault) for fault in faults),
    ]
    return Group(Text(f"  {plain(image.name)}", "bold"), _rows(rows, indent=4, width=len("FAULT")))


def render_summary(records: Sequence[Record], wrong: int, *, judged: bool) -> RenderableType:
    """How many ended how, and whether that is as it should be, or what was done where nobody knows that."""
    outcomes = Counter(record.outcome for record in records)
    counts = ", ".join(f"{number} {plain(outcome)}" for outcome, number in outcomes.items())
    if judged:
        verdict = f"{wrong} not as it should be, see FAULT above" if wrong else "all as they should be"
    else:
        lines = [record.last_line for record in records]
        written, audited = (sum(len(line.get(name, ())) for line in lines) for name in ("written", "audited"))
        done = f"{written} tags written, {audited} only logged (audit)"
        verdict = f"{done}; not judged, because the rules table is not the one that ships"
    events = "1 event" if len(records) == 1 else f"{len(records)} events"
    return Text(f"\n{events}: {counts}; {verdict}.", "red" if wrong else "green" if judged else "")


def render_next() -> RenderableType:
    """What to do after a run that does not stay. Its lines are not wrapped."""
    text = Text(
        """
Next, to look at events and try rules on a web page:
  deploy/local/up

To see what your own rules make of your own event:
  RULES=my-rules.toml deploy/local/up --once my-event.json""",
        no_wrap=True,
        overflow="ignore",
    )
    return Group(text)


def render_help(stack: Stack, folder: Path, console: str) -> RenderableType:
    """Where the parts are, and four commands to copy into another terminal. Their lines are not wrapped."""
    text = Text(
        f"""
Everything stays up; Ctrl-C stops it. Look at it: {console}
Logs until then: {folder}
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

How events end:""",
        no_wrap=True,
        overflow="ignore",
    )
    return Group(text)  # without a group, rich forgets that the text does not wrap


def plain(text: str) -> str:
    """A text in which a terminal finds nothing to obey: what cannot be printed becomes its JSON escape."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _ending(status: Record) -> RenderableType:
    attempts = "1 attempt" if status.attempts == 1 else f"{status.attempts} attempts"
    outcome = Text(f"    {plain(status.outcome)}", STYLES.get(status.outcome, ""))
    return outcome.append(f", {attempts}", "default")


def _rows(rows: Iterable[tuple[str, str]], indent: int, width: int) -> RenderableType:
    """Labels and values in two columns. width: characters of the first."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(min_width=width)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(label, "bold red" if label == "FAULT" else "cyan"), Text(plain(value)))
    return Padding(grid, (0, 0, 0, indent)) if grid.rows else Group()

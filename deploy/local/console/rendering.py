"""The console's templates. What an event holds is text in them: neither markup, nor hidden, nor reordered."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deploy.local.report import plain

CUT = 200
"""Characters of a text in a list."""

LONGEST = 100_000
"""Characters of a text in full."""


def environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "text": text,
        "code": code,
        "lines": lines,
        "pretty": pretty,
        "iso": iso,
        "clock": clock,
        "instant": instant,
        "milliseconds": milliseconds,
    }
    return templates


def text(value: object, longest: int = CUT) -> str:
    """A text in one line, cut, in which what cannot be seen is written as its escape."""
    shown = "" if value is None else str(value)
    return plain(shown[:longest]) + ("…" if len(shown) > longest else "")


def code(value: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = enumerate(re.split("`([^`]+)`", value))
    return Markup().join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in parts)


def lines(value: object) -> str:
    """The same of a text of several lines."""
    shown = str(value)
    more = f"\n… {len(shown) - LONGEST} more characters" if len(shown) > LONGEST else ""
    return "\n".join(plain(line) for line in shown[:LONGEST].split("\n")) + more


def pretty(value: Any) -> str:
    return lines(json.dumps(value, indent=2, ensure_ascii=False))


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(moment: float) -> str:
    """The time of day where the browser is too: it is this machine."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S")


def instant(moment: float) -> str:
    """The same to the millisecond."""
    return f"{clock(moment)}.{int(moment % 1 * 1000):03}"


SECONDS_FROM = 10_000
"""Milliseconds from which a duration is shown in seconds."""


def milliseconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value / 1000:.1f} s" if value >= SECONDS_FROM else f"{value:.0f} ms"

"""What a person is told: the steps before they run, and what the probe has found."""

from collections.abc import Collection, Iterator
from typing import Any

from handlers.commands.probe.answers import Observed
from handlers.commands.probe.caller import CALLS_MAX
from handlers.commands.probe.findings import Line
from handlers.commands.probe.keys import KEY
from handlers.commands.probe.steps import STEPS, why_not
from handlers.commands.probe.switches import REASONS, SWITCHES
from handlers.commands.report import Block, Table, counted, heading

WHERE = {
    "environment": "among the function's settings",
    "rules": "at the top of the rules table",
    "[outcomes]": "under [outcomes] in the rules table",
}


def plan(image_id: str | None, skipped: Collection[str]) -> Iterator[str]:
    """The lines that say what will be done."""
    yield f"This makes at most {CALLS_MAX} calls, two a second, and a login if the credentials need one."
    if image_id:
        yield (
            f"It writes tags whose keys begin with {KEY} to the image {image_id}, and removes them. "
            "Rules that react to changes of tags may see them."
        )
    else:
        yield "It writes nothing; with --image it would find more."
    for number, step in enumerate(STEPS, 1):
        why = why_not(step, skipped, has_image=image_id is not None)
        yield f"{number}. {step.name}: {step.title}"
        if why:
            yield f"   left out: {REASONS[why]}"
        else:
            yield f"   at most {counted(step.calls_max, 'call')}: {', '.join(step.calls)}"
            if step.rights:
                yield f"   rights: {', '.join(step.rights)}"


def found(observed: Observed, profile: dict[str, Any]) -> Iterator[Block]:
    """What was observed, and what not."""
    yield heading("Rights")
    words = {True: "there", False: "missing", None: "not known"}
    yield Table([(name, words[value]) for name, value in observed.rights.items()], indent=2)
    yield heading("Found")
    cloud = profile["cloud"]
    yield Table([(SWITCHES[name].about, SWITCHES[name].words(cloud[name])) for name in cloud], indent=2)
    if missing := profile["not_observed"]:
        yield heading("Not observable")
        yield Table([(SWITCHES[name].about, REASONS[why]) for name, why in missing.items()], indent=2)


def meant(settings: list[Line], contradictions: list[str]) -> Iterator[Block]:
    """What it means for the settings, and what is to be reported."""
    yield heading("Write")
    for where, words in WHERE.items():
        if rows := [(each.line, each.why) for each in settings if each.where == where]:
            yield f"  {words}:"
            yield Table(rows, indent=4)
    if not settings:
        yield "  nothing: what was found fits the defaults"
    yield heading("Report")
    yield from (f"  {each}" for each in contradictions)
    if not contradictions:
        yield "  nothing: what was found fits what the function expects"

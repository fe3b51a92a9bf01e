"""What a person is told: the steps before they run, and what the probe has found."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from handlers.commands.output.report import FAULTS, Block, Report, Table, counted, heading
from handlers.commands.probe.answers import Observed
from handlers.commands.probe.caller import CALLS_MAX
from handlers.commands.probe.findings import Line, contradictions, lines
from handlers.commands.probe.keys import KEY
from handlers.commands.probe.session import Session
from handlers.commands.probe.steps.table import STEPS
from handlers.commands.probe.switches import REASONS, SWITCHES

WHERE = {
    "environment": "among the function's settings",
    "rules": "at the top of the rules table",
    "[outcomes]": "under [outcomes] in the rules table",
}


SEEN = {
    "trace_names": "traces of images of the last seven days",
    "creator_in_first_trace": "the first trace of a creation names the creator",
    "creator_in_second_trace": "the creator that the second one names",
    "seconds_between_traces": "seconds between the two, which have the job in common",
    "job_status": "status of the job of an image that is there",
    "not_ready": "tagging an image that is not active is refused with",
    "seconds_until_trace": "seconds after the tag at which its trace was there",
}


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)


def plan(image_id: str | None, left_out: Mapping[str, str]) -> Iterator[str]:
    """The lines that say what will be done. left_out: why a step does not run, or "", by its name."""
    yield f"This makes at most {CALLS_MAX} calls, two a second, and a login if the credentials need one."
    if image_id:
        yield (
            f"It writes tags whose keys begin with {KEY} to the image {image_id}, and removes them. "
            "Rules that react to changes of tags may see them."
        )
    else:
        yield "It writes nothing; with --image it would find more."
    for number, step in enumerate(STEPS, 1):
        yield f"{number}. {step.name}: {step.title}"
        if why := left_out[step.name]:
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
    if rows := [
        (words, _shown(observed.seen[name])) for name, words in SEEN.items() if name in observed.seen
    ]:
        yield heading("Seen besides")
        yield Table(rows, indent=2)
    if missing := profile["not_observed"]:
        yield heading("Not observable")
        yield Table([(SWITCHES[name].about, REASONS[why]) for name, why in missing.items()], indent=2)


def meant(settings: list[Line], contradicted: list[str]) -> Iterator[Block]:
    """What it means for the settings, and what is to be reported."""
    yield heading("Write")
    for where, words in WHERE.items():
        if rows := [(each.line, each.why) for each in settings if each.where == where]:
            yield f"  {words}:"
            yield Table(rows, indent=4)
    if not settings:
        yield "  nothing: what was found fits the defaults"
    yield heading("Report")
    yield from (f"  {each}" for each in contradicted)
    if not contradicted:
        yield "  nothing: what was found fits what the function expects"


def report(session: Session, profile: dict[str, Any], left: set[str], path: Path) -> Report:
    """left: keys of tags that may be left on the image. path: of the profile."""
    settings, contradicted = lines(session.observed), contradictions(session.observed)
    data = {
        "profile_file": str(path),
        "profile": profile,
        "settings": [line._asdict() for line in settings],
        "contradictions": contradicted,
        "left": sorted(left),
    }
    image = "" if not session.image_id else "; the image has the tags that it had"
    last = f"{counted(session.caller.calls, 'call')}{image if not left else ''}; the profile is in {path}"
    body = chain(
        found(session.observed, profile),
        meant(settings, contradicted),
        [about_left(session, left)] if left else [],
        [f"{last}. It holds no name, id, address or text, and can be shared."],
    )
    return Report(data, body, FAULTS if left else 0)


def about_left(session: Session, left: set[str]) -> str:
    return (
        f"The image {session.image_id} may still have the tags {', '.join(sorted(left))}. "
        "Run the probe again, or delete them by hand."
    )

"""What the rules would give an image that exists, beside the tags that it has.

The handler itself decides, in a dry run, with the event that `backfill` would send.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from handlers.commands.dry_run import dry_run
from handlers.commands.images.trace_store import Traces
from handlers.core.events import CreationSignals
from handlers.core.events.existing_image import KNOWN, event_id, event_of
from handlers.core.events.recognised import FILL_IN
from handlers.core.events.shapes import as_cloudevent
from handlers.core.ims.image import NAMES, parent_id, tags_of
from handlers.core.ims.tags import existing_value
from handlers.core.json_access import Json, string
from handlers.core.received import Received
from handlers.core.rules import RuleTable
from handlers.core.rules.undecided import Unknowns

STATES = ("complete", "lacking", "differing", "undecidable", "nothing-to-tag")


class Assessment(NamedTuple):
    """An image beside the rules.

    state: one of STATES, the first that holds of lacking, differing, undecidable, complete, nothing-to-tag.
    lacking: the tags that it would get. differing: by key, its value and the one of the rules.
    undecidable: keys of tags that need what nobody knows. rules: by key, the rule that gives the tag.
    at_risk: keys of tags of another value, which may be from rules that knew more than they do now.
    why: why nothing can be decided, or "". event: what `backfill` would send.
    """

    image: Json
    state: str
    lacking: dict[str, str]
    differing: dict[str, dict[str, str]]
    undecidable: Sequence[str]
    at_risk: Sequence[str]
    rules: dict[str, str]
    why: str
    event: Json

    def as_json(self) -> Json:
        return {
            "image_id": self.image["id"],
            "name": string(self.image, "name") or "",
            "project_id": string(self.image, "owner") or "",
            "state": self.state,
            "lacking": self.lacking,
            "differing": self.differing,
            "undecidable": list(self.undecidable),
            "why": self.why,
        }


class Assessor:
    """parent: asks for the image of an id; None if it is gone or not ours to see."""

    def __init__(
        self,
        table: RuleTable,
        signals: CreationSignals,
        tag_form: str,
        traces: Traces,
        parent: Callable[[str], Json | None],
    ) -> None:
        self._table = table
        self._signals = signals
        self._tag_form = tag_form
        self._traces = traces
        self._parent = parent
        self._unknowns = Unknowns(table, _is_known)

    def assess(self, image: Json) -> Assessment:
        """image: as IMS describes it."""
        event, names_creator = self._event_for(image)
        images = [image]
        if "parent" in self._table.reads and (of := parent_id(image, None)):
            images += filter(None, [self._parent(of)])
        received = Received({name: value for name, value in event.items() if name != FILL_IN})
        outcome, runs = dry_run(received, self._table, self._signals, self._tag_form, images)
        run = next((each for each in runs if each.result.image and each.result.image.id == image["id"]), None)
        if run is None or run.result.image is None or run.result.outcome.kind == "dead-letter":
            outcome = run.result.outcome if run else outcome
            return Assessment(
                image, "undecidable", {}, {}, (), (), {}, outcome.message or outcome.reason, event
            )
        plan = run.result.plan
        seen = run.result.image.event
        open_keys, inexact = (
            (frozenset[str](), frozenset[str]()) if names_creator else self._unknowns.in_plan(seen, plan)
        )
        given = [each for each in plan.tags if each.tag.key in run.tags] + list(plan.unchanged)
        existing = tags_of(image)
        lacking, differing, rules = dict[str, str](), dict[str, dict[str, str]](), dict[str, str]()
        at_risk = list[str]()
        for each in given:
            key, value = each.tag
            rules[key] = each.rule
            there = existing_value(existing, key)
            if there is None and key not in open_keys:
                lacking[key] = value
            elif there in (None, value) or each.keep:
                continue
            elif key in open_keys | inexact:
                at_risk.append(key)
            else:
                differing[key] = {"is": str(there), "would_be": value}
        undecidable = sorted(key for key in open_keys if existing_value(existing, key) is None)
        held = {
            "lacking": lacking,
            "differing": differing,
            "undecidable": undecidable,
            "complete": given or open_keys or any(skipped.kept for skipped in plan.skipped),
        }
        state = next((state for state, holds in held.items() if holds), "nothing-to-tag")
        return Assessment(image, state, lacking, differing, undecidable, at_risk, rules, "", event)

    def _event_for(self, image: Json) -> tuple[Json, bool]:
        """The event that tells of an image again, and whether it says who made it."""
        trace = self._traces.of_image(image["id"])
        if trace and (event := as_cloudevent(trace)):
            # Its own id would be taken for the event that came when the image was made.
            return event | {"id": event_id(image["id"]), FILL_IN: "true"}, True
        return event_of(image), False


def _is_known(path: Sequence[str | int]) -> bool:
    """Whether an attribute of an image is known without an event that says who made it."""
    return path[0] in NAMES or (path[0] == "image" and len(path) > 1 and path[1] in KNOWN)

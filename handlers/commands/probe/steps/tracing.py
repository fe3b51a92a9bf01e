"""The steps that read from Cloud Trace Service."""

import time

from handlers.commands.images.trace_service import KEPT, PAGE, traces_path
from handlers.commands.probe import recorded
from handlers.commands.probe.answers import Answer
from handlers.commands.probe.session import Session
from handlers.core.events.cts import CREATIONS
from handlers.core.json_access import Json, as_list, object_or_empty, string
from handlers.core.times import parse_time

DAY = 86_400
AHEAD = 3600
"""Seconds that the clock of the cloud may be ahead of the one here."""
RECENT = 600
"""Seconds after which the creation of an image should have left a trace."""
LOOKS = (5, 20, 60)
"""Seconds after the tag at which its trace is looked for."""

OF_TRACES = ("trace_bodies", "trace_marker_on_last_page", "copy_resource")
OF_CREATIONS = ("creation_trace", "first_trace_names_image", "image_id_in_trace")


def traces(session: Session) -> None:
    """Whether traces are recorded, and how the creation and the copy of an image are."""
    observed = session.observed
    if not session.caller.has_traces:
        observed.miss("no-traces", "traces_on", *OF_TRACES, *OF_CREATIONS)
        return
    answer = _query(session, service_type="IMS", limit=str(PAGE))
    if not observed.right("traces", answer):
        observed.miss("no-right", "traces_on", *OF_TRACES, *OF_CREATIONS)
        return
    session.traces = _traces(answer)
    marker = string(object_or_empty(answer.body.get("meta_data")), "marker")
    if 0 < len(session.traces) < PAGE:
        observed.add(trace_marker_on_last_page=marker is not None)
    elif session.traces:
        for name in CREATIONS:
            session.traces += _traces(_query(session, service_type="IMS", trace_name=name, limit=str(PAGE)))
    _on(session, answer)
    _of_images(session)
    observed.miss("nothing-recorded", *OF_TRACES, *OF_CREATIONS)


def _of_images(session: Session) -> None:
    observed, found = session.observed, recorded.read(session.traces)
    observed.seen["trace_names"] = recorded.names(found)
    if bodies := recorded.bodies(session.traces):
        observed.add(trace_bodies=bodies)
    if pair := recorded.newest_creation(found, session.ids):
        values, seen = recorded.creation(pair, session.ids)
        observed.add(**values)
        observed.seen |= seen
        observed.miss("not-shared", "image_id_in_trace")
    if resource := recorded.copy_resource(found, session.images):
        observed.add(copy_resource=resource)


def _on(session: Session, answer: Answer) -> None:
    """No trace at all shows that nothing is recorded only if there is a young image."""
    if not session.traces and answer.status not in {200, 404}:
        session.observed.miss("unclear", "traces_on")
        return
    if session.traces or _traces(_query(session, limit="1")):
        session.observed.add(traces_on=True)
        return
    made = [parse_time(image.get("created_at")) for image in session.images]
    ages = [time.time() - at.timestamp() for at in made if at]
    if any(RECENT < age < KEPT.total_seconds() - DAY for age in ages):
        session.observed.add(traces_on=False)
    session.observed.miss("nothing-recorded", "traces_on")


def trace_of_tag(session: Session) -> None:
    """Which trace the tag has left, of those that come within a minute."""
    observed = session.observed
    if observed.rights["traces"] is not True or observed.values.get("traces_on") is False:
        observed.miss("no-right" if observed.rights["traces"] is False else "no-traces", "trace_tagging")
        return
    if not session.is_tagged or not session.image_id:
        observed.miss("not-tagged", "trace_tagging")
        return
    # The clocks here and there may differ. The request of a trace says whether it is of the probe.
    since = time.time() - AHEAD
    for seconds in LOOKS:
        session.caller.wait_until(session.tagged_at + seconds)
        found = recorded.read(_traces(_query(session, service_type="IMS", limit=str(PAGE))))
        if name := recorded.tagging(found, session.image_id, since):
            observed.add(trace_tagging=name, traces_on=True)
            observed.seen["seconds_until_trace"] = seconds
            return
    if observed.values.get("traces_on"):
        observed.add(trace_tagging="none")
    observed.miss("no-traces", "trace_tagging")


def _query(session: Session, **query: str) -> Answer:
    """Traces of the last seven days."""
    now = time.time()
    window = {"from": str(int((now - KEPT.total_seconds()) * 1000)), "to": str(int((now + AHEAD) * 1000))}
    return session.caller.cts(traces_path(session.project_id), {"trace_type": "system", **window, **query})


def _traces(answer: Answer) -> list[Json]:
    return [trace for trace in as_list(answer.body.get("traces")) if isinstance(trace, dict)]

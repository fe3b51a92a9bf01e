"""Whatever JSON comes, as a body or as the data of an event, it ends as one of four, never as a bug."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import InvalidEvent
from handlers.core.events import ImageCreated, ImageJob, OtherEvent, recognise
from handlers.core.image_fields import IMAGE_FIELDS
from handlers.core.received import Unparsable
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.support.sample_events import (
    ID,
    JOB,
    OTHER_ID,
    PROJECT,
    SAYS,
    TIME,
    USER,
    Json,
    bare_trace,
    message,
    notification,
    plain,
)

FULL_TRACE = bare_trace(
    trace_status="normal",
    read_only=False,
    user=USER | {"type": "User", "principal_urn": "iam::7e0d:user:jane"},
    user_agent="packer",
    project_id=PROJECT,
    time=1767608129000,
    record_time=1767608130000,
    request={"name": "web", "os_type": "Linux"},
    response={
        "job_id": JOB,
        "status": "SUCCESS",
        "entities": {"image_id": OTHER_ID, "sub_jobs_result": [{"entities": {"image_id": ID}}]},
    },
)
FULL_NOTIFICATION = notification(
    {"id": ID, "name": "web", "owner": PROJECT, "created_at": TIME, "properties": {"os_type": "Linux"}}
)

FULL_DATA = {
    "image_id": ID,
    "id": OTHER_ID,
    "resource_id": ID,
    "name": "web",
    "owner": PROJECT,
    "created_at": TIME,
    "user": USER,
}

SAYING = f"""
{{ {{}} [] {{"status":1}} FAIL User {TIME} {ID} {OTHER_ID} IMS image {PROJECT} {JOB} ../x %2f image.activate
image.created Notification 1.0 createImage
""".split()
"""Texts that mean something somewhere."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 2 * 10**13)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", *SAYING])
)
NAMES = """
id image_id resource_id name user domain request response entities image sub_jobs_result job_id project_id
trace_id trace_name service_type resource_type status error_code time cts events record smn message type
topic_urn message_id subscribe_url oslo.message event_type payload specversion source subject data
datacontenttype data_base64 datacontentencoding
"""
names = st.sampled_from(NAMES.split()) | st.text(max_size=3)
any_json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names, inner, max_size=4)
        | st.dictionaries(names, inner, max_size=4).map(json.dumps)
    ),
    max_leaves=12,
)


def damaged(whole: Json) -> st.SearchStrategy[Json]:
    """An object with members that are missing or of another type."""
    fields = st.sampled_from(list(whole))
    return st.builds(
        lambda others, missing: {
            name: value for name, value in (whole | others).items() if name not in missing
        },
        st.dictionaries(fields, any_json, max_size=4),
        st.sets(fields, max_size=4),
    )


WITHOUT_ID = FULL_TRACE | {"resource_id": None, "response": {"job_id": JOB}}
traces = damaged(FULL_TRACE) | damaged(WITHOUT_ID)
notifications = damaged(FULL_NOTIFICATION)
texts = (traces | notifications | any_json).map(json.dumps)
messages = texts.flatmap(lambda text: damaged(message(text, subscribe_url="https://x.example")))
bodies = st.recursive(
    traces
    | notifications
    | messages
    | any_json
    | damaged(plain({"id": ID}, subject=ID, time=TIME))
    | st.builds(lambda data: {"cts": data}, traces | traces.map(json.dumps) | any_json),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(lambda held: {"events": held}, st.lists(inner, max_size=3))
        | st.builds(lambda held: {"record": [{"smn": each} for each in held]}, st.lists(inner, max_size=3))
        | st.builds(lambda held: {"oslo.message": json.dumps(held)}, inner)
        | st.builds(lambda held: message(json.dumps(held)), inner)
    ),
    max_leaves=4,
)


def at(value: Any, path: str) -> Any:
    """What stands at a path; JSON as text is looked into."""
    for name in path.split():
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        value = value.get(name) if isinstance(value, dict) else None
    return value


def places(event: Json) -> Iterator[Any]:
    """What stands in each place where an image's id may stand."""
    yield event.get("subject")
    for path in ("image_id", "id", "resource_id", "payload id"):
        yield at(event, f"data {path}")
        yield at(event, f"data oslo.message {path}")
    response = at(event, "data response")
    for path in ("entities image_id", "image_id", "id", "image id"):
        yield at(response, path)
    jobs = at(response, "entities sub_jobs_result")
    for job in jobs if isinstance(jobs, list) else []:
        yield at(job, "entities image_id")


def is_told_rightly(told: Json) -> bool:
    """Only names that rules know, and only texts that are not empty."""
    creator = told.get("creator", {})
    facts = [value for name, value in told.items() if name != "creator"]
    return (
        told.keys() <= IMAGE_FIELDS.keys()
        and creator.keys() <= IMAGE_FIELDS["creator"].keys()
        and all(isinstance(value, str) and value for value in [*facts, *creator.values()])
    )


def ends_as_one_of_four(event: Json) -> None:
    """Refused, ignored, a job with safe names, or images whose ids stood where an id may stand."""
    try:
        recognised = recognise(event, SAYS)
    except InvalidEvent:
        return
    match recognised:
        case OtherEvent(why):
            assert why
        case ImageJob(_, _, project_id, job_id, facts):
            assert project_id is None or re.fullmatch("[0-9a-f]{32}", project_id)
            assert re.fullmatch("[0-9A-Za-z-]{1,64}", job_id)
            assert is_told_rightly(facts)
        case list():
            assert recognised
            for created in recognised:
                assert isinstance(created, ImageCreated)
                assert created.id in {ID, OTHER_ID}
                assert created.id in [place for place in places(event) if isinstance(place, str)]
                assert is_told_rightly(created.event["image"])


@given(data=any_json | damaged(FULL_DATA), subject=scalars, time=scalars)
def test_any_data(data: Any, subject: Any, time: Any) -> None:
    """Any JSON as the data of an event that says "image created"."""
    ends_as_one_of_four(plain(data, subject=subject, time=time))


@given(data=traces | traces.map(json.dumps), time=scalars, kind=st.sampled_from(["x", "image.created"]))
def test_any_trace(data: Any, time: Any, kind: str) -> None:
    """A trace with fields missing or of another type."""
    ends_as_one_of_four(plain(data, type=kind, time=time))


@given(project_id=st.just(PROJECT) | scalars, job_id=scalars | st.text("./%ab \n", max_size=8))
def test_any_job(project_id: Any, job_id: Any) -> None:
    """A trace that names a job, and nothing but it, by any JSON."""
    ends_as_one_of_four(plain(WITHOUT_ID | {"project_id": project_id, "response": {"job_id": job_id}}))


@given(data=notifications, time=scalars, kind=st.sampled_from(["x", "image.activate", "image.created"]))
def test_any_notification_of_glance(data: Json, time: Any, kind: str) -> None:
    """A notification of Glance with fields missing or of another type, wrapped, alone, or its payload."""
    wrapped = {"oslo.version": "2.0", "oslo.message": json.dumps(data)}
    for held in (data, wrapped, data.get("payload")):
        ends_as_one_of_four(plain(held, type=kind, time=time))


@given(data=messages | any_json, kind=st.sampled_from(["SMN:SubscriptionConfirmation", "SMN:"]))
def test_any_message_of_smn(data: Any, kind: str) -> None:
    """A message of Simple Message Notification with fields missing or of another type."""
    ends_as_one_of_four(plain(data, type=kind))


@given(bodies)
def test_any_body(content: Any) -> None:
    """Any JSON as a whole body: each event in it ends so, and what is none is an error in its place."""
    for received in events_in(HttpMessage({}, json.dumps(content).encode())):
        if isinstance(received, Unparsable):
            assert isinstance(received.error, InvalidEvent)
            assert str(received.error)
        else:
            ends_as_one_of_four(received.event)


ENVELOPES: dict[str, Callable[[str], str]] = {
    "no envelope": lambda text: text,
    "a list": lambda text: f"[{text}]",
    "an envelope": lambda text: f'{{"events": [{text}]}}',
    "an envelope of text": lambda text: json.dumps({"events": [text]}),
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
@pytest.mark.parametrize("brackets", ["[]", ('{"a":', "}")], ids=["lists", "objects"])
def test_any_depth(envelope: Callable[[str], str], brackets: Sequence[str]) -> None:
    """JSON of any depth is no event, also where it can just be read and no longer be written."""
    opening, closing = brackets
    for depth in (65, *range(800, 1001), 100_000):
        body = envelope(f"{opening * depth}0{closing * depth}").encode()
        (received,) = events_in(HttpMessage({}, body))
        assert isinstance(received, Unparsable)

"""What was observed means for the settings, and what contradicts the function's tables."""

import pytest

from handlers.commands.probe import recorded
from handlers.commands.probe.answers import Answer, Observed
from handlers.commands.probe.findings import contradictions, lines
from handlers.commands.probe.keys import own_keys
from handlers.commands.probe.places import places_of
from handlers.commands.probe.profile import profile_of
from handlers.core import errors

ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"


def observed(**values: object) -> Observed:
    found = Observed()
    found.add(**values)
    return found


SHORT = {"key_length": 36, "value_length": 43, "dots_in_keys": False, "dots_in_values": False, "tags_max": 10}
WIDE = {"key_length": 128, "value_length": 255, "dots_in_keys": True, "dots_in_values": True, "tags_max": 20}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (SHORT, 'limits = "common"'),
        (SHORT | {"dots_in_values": True}, 'limits = "huawei"'),
        (WIDE, 'limits = "huawei-cn-new"'),
        (WIDE | {"tags_max": 10}, 'limits = "huawei"'),
        ({"batch_call": False}, "TAG_FORM=image_tag"),
        ({"creation_trace": "makeImage"}, 'IMAGE_CREATED_TRACES="createImage copyImage makeImage"'),
        ({"unknown_image_tagged": "400 IMG.0999"}, '"IMG.0999" = "retry"'),
        ({"malformed_tag": "400 IMG.0016"}, '"IMG.0016" = "dead-letter"'),
        ({"full_image": "400 IMG.0061"}, '"IMG.0061" = "dead-letter"'),
    ],
)
def test_lines(values: dict[str, object], line: str) -> None:
    """What was found is said as the line to write."""
    assert [each.line for each in lines(observed(**values))] == [line]


def test_batch() -> None:
    """`TAG_FORM=batch` is advised where the call is known and allowed."""
    found = observed(batch_call=True)
    assert lines(found) == []
    found.rights["batch"] = True
    assert [each.line for each in lines(found)] == ["TAG_FORM=batch"]


@pytest.mark.parametrize(
    "values",
    [
        {
            "unknown_image_shown": "404",
            "unknown_image_tagged": "400 IMG.0027",
            "malformed_tag": "400 IMG.0115",
        },
        {"full_image": "400 IMG.0116", "creation_trace": "createImage"},
        {},
    ],
)
def test_nothing_to_report(values: dict[str, object]) -> None:
    """What the function expects is no contradiction, and has no line in [outcomes]."""
    assert contradictions(observed(**values)) == []
    assert lines(observed(**values)) == []


@pytest.mark.parametrize(
    ("values", "seen", "said"),
    [
        ({"unknown_image_shown": "400 IMG.0999"}, {}, "read it as ImageNotFound"),
        ({"malformed_tag": "400 IMG.0001"}, {}, "reads this as RequestRejected"),
        ({"full_image": "413"}, {}, "should read it as TagQuotaExceeded"),
        ({}, {"not_ready": "400 IMG.0999"}, "should read it as ImageNotReady"),
        ({}, {"image_id_places": ["response.entities.imageId"]}, "at response.entities.imageId"),
        ({}, {"job_image_id_places": ["image_id"]}, "handlers/core/events/jobs.py"),
        ({"creation_trace": "makeImage"}, {}, "named makeImage"),
    ],
)
def test_report(values: dict[str, object], seen: dict[str, object], said: str) -> None:
    """What the function's tables have otherwise is said with the file to change."""
    found = observed(**values)
    found.seen |= seen
    [sentence] = contradictions(found)
    assert said in sentence
    assert "handlers/" in sentence


def test_what_is_not_shared() -> None:
    """A value in another form than its switch has is left out of the profile."""
    found = observed(unknown_job="400 jane", creation_trace="Jane's", tag_separator="=", key_length=True)
    profile = profile_of(found, calls=1)
    assert profile["cloud"] == {"tag_separator": "="}
    assert {profile["not_observed"][name] for name in ("unknown_job", "creation_trace", "key_length")} == {
        "not-shared"
    }


@pytest.mark.parametrize(
    ("answer", "is_refusal"),
    [
        (Answer(404, "", errors.ImageNotFound), True),
        (Answer(400, "IMG.0014", errors.TagApiUnavailable), True),
        (Answer(500, "", errors.TagApiUnavailable), False),
        (Answer(400, "IMG.0060", errors.Throttled), False),
        (Answer(429, "APIG.0308", errors.Throttled), False),
        (Answer(403, "IMG.0026", errors.PermissionDenied), False),
        (Answer(404, "APIG.0101", errors.UnexpectedReply), False),
        (Answer(0, "", errors.TagApiUnavailable), False),
        (Answer(204), False),
    ],
)
def test_refusals(answer: Answer, is_refusal: bool) -> None:
    """A refusal is of what was asked; one of the moment, of a right or of the call says nothing of it."""
    assert answer.is_refusal == is_refusal


def test_places() -> None:
    """A place names only members of a fixed list; any other may be somebody's text."""
    value = {"a": {"ada": ID}, "response": {"entities": [{"image_id": ID.upper()}]}, "request": "other"}
    assert places_of(value, {ID}) == ["elsewhere", "response.entities.image_id"]


def test_own_keys() -> None:
    """A text that can be of several keys of the probe counts for all of them, and no other text counts."""
    texts = ["image-tagger-probe.dot.1", "image-tagger-probe-1=x", "image-tagger", "env=image-tagger-probe"]
    expected = {"image-tagger-probe", "image-tagger-probe.dot", "image-tagger-probe-1"}
    assert own_keys(texts) == expected


def test_people_in_traces() -> None:
    """The two traces of a job belong together by its id, and say who made the image and how far apart."""
    base = {"trace_name": "createImage", "service_type": "IMS", "resource_type": "ims"}
    first = {"trace_type": "ApiCall", "user": {"name": "ada"}, "time": 1000000000000}
    second = {"trace_type": "SystemAction", "user": {"name": "acme/op_service"}, "time": 1000000090000}
    job = {"response": {"job_id": "9a17"}}
    traces = recorded.read([base | second | job | {"resource_id": ID}, base | first | job])
    pair = recorded.newest_creation(traces, {ID})
    assert pair
    values, seen = recorded.creation(pair, {ID})
    assert values["image_id_in_trace"] == "resource_id"
    assert seen == {
        "image_id_places": ["resource_id"],
        "creator_in_first_trace": True,
        "creator_in_second_trace": "service",
        "seconds_between_traces": 90.0,
    }

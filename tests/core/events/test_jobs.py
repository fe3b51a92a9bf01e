"""What the answer about a job says of the images that it makes."""

from typing import Any

import pytest

from handlers.core.errors import CreationFailed, InvalidEvent, JobRunning, UnexpectedReply
from handlers.core.events.jobs import images_made
from tests.support.sample_events import ID, OTHER_ID, Json


def ended(entities: Any) -> Json:
    """The answer about a job that ended well."""
    return {"status": "SUCCESS", "error_code": None, "fail_reason": None, "entities": entities}


SEVERAL = [
    {"status": "SUCCESS", "entities": {"image_id": ID, "image_name": "disk-1"}},
    {"status": "SUCCESS", "entities": {}},
    {"status": "SUCCESS", "entities": {"image_id": OTHER_ID, "image_name": ""}},
    None,
]

MADE: dict[str, tuple[Json, list[Json]]] = {
    "one": (ended({"image_id": ID, "image_name": "web"}), [{"id": ID, "name": "web"}]),
    "one without a name": (ended({"image_id": ID}), [{"id": ID}]),
    "several": (ended({"sub_jobs_result": SEVERAL}), [{"id": ID, "name": "disk-1"}, {"id": OTHER_ID}]),
    "one, told twice": (
        ended({"image_id": ID, "image_name": "all", "sub_jobs_result": SEVERAL[:1]}),
        [{"id": ID, "name": "disk-1"}],
    ),
    "entities as text": (ended(f'{{"image_id": "{ID}"}}'), [{"id": ID}]),
}


@pytest.mark.parametrize(("answer", "images"), MADE.values(), ids=MADE)
def test_a_job_that_ended_well(answer: Json, images: list[Json]) -> None:
    """Each image that it made, once, with its own name where it has one."""
    assert images_made(answer) == images


@pytest.mark.parametrize("status", ["INIT", "RUNNING"])
def test_a_job_that_runs(status: str) -> None:
    """The image is still being made, whatever else the answer holds."""
    with pytest.raises(JobRunning):
        images_made(ended({"image_id": ID}) | {"status": status})


FAILED: dict[str, tuple[Json, str]] = {
    "code and reason": ({"error_code": "IMG.0014", "fail_reason": "no room"}, ": IMG.0014 no room$"),
    "reason": ({"error_code": None, "fail_reason": "no room"}, ": no room$"),
    "neither": ({}, ": it gives no reason$"),
    "other types": ({"error_code": 7, "fail_reason": {"a": 1}}, ": it gives no reason$"),
    "a long one": ({"fail_reason": "x" * 5000}, f": {'x' * 200}$"),
}


@pytest.mark.parametrize(("said", "message"), FAILED.values(), ids=FAILED)
def test_a_job_that_failed(said: Json, message: str) -> None:
    """There is no image, and the job's own reason is told, short enough for a log line."""
    with pytest.raises(CreationFailed, match=message):
        images_made({"status": "FAIL"} | said)


@pytest.mark.parametrize(
    "entities",
    [None, {}, [], {"image_id": "web"}, {"image_id": f"../{ID}"}, {"sub_jobs_result": []}],
    ids=repr,
)
def test_a_job_without_an_image(entities: Any) -> None:
    """A job that ended well and made no image is no job that creates one; only a UUID is an id."""
    with pytest.raises(InvalidEvent, match="has made no image"):
        images_made(ended(entities))


@pytest.mark.parametrize(
    "answer",
    [{}, {"status": None}, {"status": ["INIT"]}, {"status": "success"}, {"status": "PAUSED"}],
    ids=repr,
)
def test_an_answer_that_shows_no_job(answer: Json) -> None:
    """What has no status that is published may be of something else, and is asked for again."""
    with pytest.raises(UnexpectedReply):
        images_made(answer)

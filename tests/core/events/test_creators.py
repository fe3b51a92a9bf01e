"""What traces say of created images, for looking up who made an image that exists."""

from typing import Any

from handlers.core.events import CreationSignals
from handlers.core.events.creators import completed, creation_in
from handlers.core.events.recognise import recognise
from handlers.core.events.shapes import as_cloudevent

SIGNALS = CreationSignals([], {"createImage", "copyImage"})
ID = "11111111-1111-4111-8111-11111111111a"
OTHER = "22222222-2222-4222-8222-22222222222b"


def trace(**changed: Any) -> dict[str, Any]:
    made = {
        "trace_id": "t",
        "trace_name": "createImage",
        "trace_type": "ApiCall",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_name": "asked for",
        "user": {"name": "ada"},
        "response": '{"job_id": "j1"}',
    }
    return made | changed


def test_a_job_alone() -> None:
    """The first trace of a job names the job and the creator."""
    assert creation_in(trace(), SIGNALS) == ((), "j1", True)


def test_images_of_a_job() -> None:
    """The second trace names the images of the job, and no creator."""
    jobs = [{"entities": {"image_id": each, "image_name": f"n-{each[0]}"}} for each in (ID, OTHER)]
    found = creation_in(
        trace(trace_type="SystemAction", response={"job_id": "j1", "entities": {"sub_jobs_result": jobs}}),
        SIGNALS,
    )
    assert found is not None
    assert [(each["id"], each["name"]) for each in found.images] == [(ID, "n-1"), (OTHER, "n-2")]
    assert (found.job_id, found.names_creator) == ("j1", False)


def test_others() -> None:
    """A trace of something else or of a failure is no creation."""
    for other in (
        trace(trace_name="deleteImage"),
        trace(trace_rating="warning"),
        {"trace_name": "createImage"},
    ):
        assert creation_in(other, SIGNALS) is None


def test_nothing_that_can_be_read() -> None:
    """A creation whose trace names neither image nor job is one: the function says what is wrong."""
    assert creation_in(trace(response={}), SIGNALS) == ((), "", False)


def test_no_creator() -> None:
    """A trace without a user, or one of the system, names no creator."""
    for other in (trace(user=None), trace(user={}), trace(trace_type="SystemAction")):
        assert creation_in(other, SIGNALS) == ((), "j1", False)


def test_one_of_several() -> None:
    """A trace of several images can be completed to be about one of them, whatever its resource is."""
    jobs = [{"entities": {"image_id": each}} for each in (OTHER, ID)]
    several = trace(resource_id=OTHER, response={"job_id": "j1", "entities": {"sub_jobs_result": jobs}})
    single = recognise(as_cloudevent(completed(several, {"id": ID})) or {}, SIGNALS)
    assert isinstance(single, list)
    assert [each.id for each in single] == [ID]


def test_completed_as_the_job_would() -> None:
    """A completed trace is read as the function reads the trace and the answer about its job."""
    answer = {"status": "SUCCESS", "entities": {"image_id": ID, "image_name": "made"}}
    job = recognise(as_cloudevent(trace()) or {}, SIGNALS)
    assert not isinstance(job, list)
    (by_job,) = job.resolve(answer)  # type: ignore[union-attr]
    whole = recognise(as_cloudevent(completed(trace(), {"id": ID, "name": "made"})) or {}, SIGNALS)
    assert isinstance(whole, list)
    (by_trace,) = whole
    assert by_trace.event["image"] == by_job.event["image"]

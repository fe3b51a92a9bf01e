"""Images made and copied in the emulator, a real bus, subscription and function: each is tagged, once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes.bus import Bus, Subscribing
from tests.processes.emulator import Ims
from tests.processes.function import Function
from tests.processes.launch import eventually


@pytest.fixture
def ims_on_the_bus(own_bus: Bus) -> Iterator[Ims]:
    emulator = Ims("--nats", own_bus.url)
    yield emulator
    emulator.stop()


@pytest.fixture
def tagger(ims_on_the_bus: Ims, tmp_path: Path) -> Iterator[Function]:
    function = Function(
        tmp_path / "function.log", IMS_ENDPOINT=ims_on_the_bus.url, OS_TOKEN=ims_on_the_bus.token
    )
    yield function.ready()
    function.stop()


def test_creations(
    own_bus: Bus, ims_on_the_bus: Ims, tagger: Function, subscribing: Callable[..., Subscribing]
) -> None:
    """Each image is tagged as soon as it can be, with its creator, whichever of its traces comes first.

    Of a copy that is the copy, and never its source, which its traces name as their resource.
    Tagging leaves traces too: those are all delivered, and cause no call more.
    """
    ims = ims_on_the_bus
    subscription = subscribing(NATS_URL=own_bus.url, SUBSCRIBER_URL=tagger.url)
    subscription.logged("subscription.ready")
    ims.settings(active_after=2.0, taggable_before_active=False, trace_tagging="addTag")
    source, jobs = ims.image(status="active"), []
    for traces in ("in order", "reversed"):
        ims.settings(traces=traces)
        jobs.append(ims.create(f"prod-{traces.partition(' ')[0]}"))
        jobs.append(ims.copy(source, f"prod-copy-{traces.partition(' ')[0]}"))

    def accepted() -> set[str]:
        lines = [line for line in subscription.lines if line["message"] == "delivery.accepted"]
        return {line["event_id"] for line in lines}

    def all_accepted() -> bool:
        events = {event["id"] for event in ims.events()}
        # Both traces of all four, and of each image at least the three tags that the first trace brings.
        return len(events) >= 4 * (2 + 3) and accepted() == events and own_bus.count() == 0

    eventually(all_accepted, f"acceptance of all events (log: {subscription.lines})")

    retried = {line["reason"] for line in subscription.lines if "retry" in line["message"]}
    assert retried == {"JobRunning"}
    images = [ims.job(job_id)["entities"]["image_id"] for job_id in jobs]
    assert len(set(images)) == 4
    for image_id, job_id in zip(images, jobs, strict=True):
        day = ims.job(job_id)["begin_time"][:10]
        assert ims.tags(image_id) == {"created-by": "ada", "created-on": day, "created-for": "production"}
    writes = ims.calls("PUT")
    assert {call["status"] for call in writes} == {204}
    assert len(writes) == sum(event["data"]["trace_name"] == "addTag" for event in ims.events())
    # Three by the first trace of an image; two by the second, and only if the first has not written them.
    assert 4 * 3 <= len(writes) <= 4 * (3 + 2)
    assert ims.tags(source) == {}
    assert own_bus.dead_letters() == []

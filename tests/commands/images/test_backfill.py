"""`images backfill`: an event for each image that lacks tags."""

import json
import resource
import time
from typing import Any

import pytest

from tests.commands.images.conftest import Images, RulesFile, rows
from tests.processes.bus import Answer, Bus, HttpSubscriber, Received
from tests.processes.emulator import Ims
from tests.processes.function import Serve
from tests.support.dead_letter_places import make_streams, messages

FAST = ("--rate", "1000")
TABLE = """
[[rule]]
name = "owner"
tags.owner = "{{ image.creator.name | local_part | default('nobody') }}"
[[rule]]
name = "production"
when.image.name = [{ prefix = "prod-" }]
tags.env = "prod"
"""


def event_in(request: Received) -> dict[str, Any]:
    """The event of a delivery in binary mode, as JSON."""
    attributes = {
        name.removeprefix("ce-"): value for name, value in request.headers.items() if name.startswith("ce-")
    }
    return attributes | {"data": json.loads(request.body)}


def test_fills_in(images: Images, ims: Ims, serve: Serve, rules_file: RulesFile) -> None:
    """Images get the tags that they lack, and keep those that they have; then nothing is left to do."""
    function = serve(RULES=rules_file(TABLE), IMAGE_CREATED_TYPES="none")
    ims.create("prod-known")
    bare = ims.image(attributes={"name": "prod-bare"}, tags={"env": "hand-made", "more": "x"})
    done = ims.image(attributes={"name": "done"}, tags={"owner": "ada"})
    ran = images("backfill", "--to", function.url, "--json", *FAST, table=TABLE)
    assert (ran.code, ran.json["images"], ran.json["complete"], ran.json["done"]) == (0, 3, 1, {"tagged": 2})
    found = {each["id"]: each["tags"] for each in ims.control("GET", "images")["images"]}
    assert found.pop(bare) == {"env": "hand-made", "more": "x", "owner": "nobody"}
    assert found.pop(done) == {"owner": "ada"}
    assert list(found.values()) == [{"owner": "ada", "env": "prod"}]
    again = images("backfill", "--to", function.url, "--json", table=TABLE)
    assert (again.json["complete"], again.json["done"]) == (3, {})
    assert {row["state"] for row in rows(images("coverage", "--json", table=TABLE)).values()} == {
        "complete",
        "differing",
    }


def test_overwrite(images: Images, ims: Ims, serve: Serve, rules_file: RulesFile) -> None:
    """--overwrite sends images whose tags differ as well, and replaces the tags."""
    function = serve(RULES=rules_file(TABLE))
    image = ims.image(attributes={"name": "prod-a"}, tags={"env": "test", "owner": "nobody"})
    assert images("backfill", "--to", function.url, table=TABLE).shows("1 need no event, 0 done")
    assert images("backfill", "--to", function.url, "--overwrite", table=TABLE).shows("1 done (1 tagged)")
    assert ims.tags(image) == {"env": "prod", "owner": "nobody"}


def test_overwrites_no_better_tag(images: Images, ims: Ims, serve: Serve, rules_file: RulesFile) -> None:
    """A tag from the time when the creator was known is not replaced by a default, whatever else differs."""
    function = serve(RULES=rules_file(TABLE))
    differs = ims.image(attributes={"name": "prod-a"}, tags={"env": "test", "owner": "ada"})
    lacks = ims.image(attributes={"name": "prod-b"}, tags={"owner": "ada"})
    ran = images("backfill", "--to", function.url, "--overwrite", *FAST, table=TABLE)
    assert (ran.code, ran.shows("1 done (1 tagged), 0 dead letters, 1 not done")) == (1, True)
    assert ran.shows("--overwrite would replace owner too")
    assert (ims.tags(differs), ims.tags(lacks)) == (
        {"env": "test", "owner": "ada"},
        {"env": "prod", "owner": "ada"},
    )


def test_the_event(images: Images, ims: Ims, http_subscriber: HttpSubscriber) -> None:
    """The event has the image as its data, or the trace of its creation, and it fills in."""
    http_subscriber.answer = lambda _: Answer(204, {"Tagging-Outcome": "tagged"})
    image = ims.image(attributes={"name": "prod-bare"}, created_at=1767608130)
    ims.create("prod-known")
    assert images("backfill", "--to", http_subscriber.url, *FAST, table=TABLE).code == 0
    bare, known = map(event_in, http_subscriber.received)
    assert (bare["type"], bare["id"], bare["tagfillin"]) == (
        "image-tagger.image.exists",
        f"backfill-{image}",
        "true",
    )
    assert (bare["data"]["id"], bare["data"]["name"], bare["time"]) == (
        image,
        "prod-bare",
        "2026-01-05T10:15:30Z",
    )
    assert known["data"]["trace_name"] == "createImage"
    assert known["data"]["user"]["name"] == "ada@example.com"
    assert known["id"].startswith("backfill-")
    assert known["tagfillin"] == "true"


def test_onto_a_bus(images: Images, ims: Ims, own_bus: Bus) -> None:
    """A bus gets each event once, however often the command runs before they are handled."""
    own_bus.do(make_streams)
    image = ims.image(attributes={"name": "prod-a"})
    for _ in range(2):
        assert images("backfill", "--to", own_bus.url, table=TABLE).shows("1 done (1 published)")
    (message,) = messages(own_bus, "IMAGES")
    assert (message.headers or {})["Nats-Msg-Id"] == f"backfill-{image}"


def test_overwrite_on_a_bus(images: Images, ims: Ims, own_bus: Bus) -> None:
    """An event that overwrites is stored, although the bus has the one of the image that fills in."""
    own_bus.do(make_streams)
    ims.image(attributes={"name": "prod-a"}, tags={"env": "test"})
    for options in ((), ("--overwrite",)):
        assert images("backfill", "--to", own_bus.url, *options, table=TABLE).shows("1 done (1 published)")
    stored = messages(own_bus, "IMAGES")
    assert ["ce-tagfillin" in (message.headers or {}) for message in stored] == [True, False]


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (("--name", "prod-*"), {"prod-old", "prod-new"}),
        (("--since", "30d"), {"prod-new", "new"}),
        (("--until", "2026-03-01"), {"prod-old"}),
        (("--name", "prod-*", "--since", "2026-03-01"), {"prod-new"}),
        (("--id", "11111111-1111-4111-8111-11111111111A"), {"new"}),
    ],
)
def test_which(images: Images, ims: Ims, options: tuple[str, ...], chosen: set[str]) -> None:
    """Options choose images by name, time and id; a dry run shows them and their tags, and sends nothing."""
    ims.image(attributes={"name": "prod-old"}, created_at=1767608130)
    ims.image(attributes={"name": "prod-new"}, created_at=time.time() - 60)
    ims.image(attributes={"name": "new"}, id="11111111-1111-4111-8111-11111111111a")
    ran = images("backfill", "--dry-run", "--json", *options, table=TABLE)
    assert {row["name"] for row in ran.json["would_be_tagged"]} == chosen
    assert (ran.code, ran.json["images"], ran.json["lacking"]) == (0, len(chosen), len(chosen))
    shown = images("backfill", "--dry-run", *options, table=TABLE)
    assert all(shown.shows(f"{name} owner=nobody") for name in chosen)
    assert not any(tags["tags"] for tags in ims.control("GET", "images")["images"])


def test_one_of_several(images: Images, ims: Ims, serve: Serve, rules_file: RulesFile) -> None:
    """The event of an image tags no other one, also if the trace of its creation names several images."""
    function = serve(RULES=rules_file(TABLE))
    chosen, other = ims.image(attributes={"name": "chosen"}), ims.image(attributes={"name": "other"})
    jobs = [{"entities": {"image_id": each}} for each in (other, chosen)]
    response = json.dumps({"job_id": "j1", "entities": {"sub_jobs_result": jobs}})
    ims.control("POST", "traces", {"traces": [{"resource_id": other, "response": response}]})
    ran = images("backfill", "--to", function.url, "--id", chosen, table=TABLE)
    assert ran.shows("1 done (1 tagged)")
    assert (ims.tags(chosen), ims.tags(other)) == ({"owner": "ada"}, {})


def test_counts_add_up(images: Images, ims: Ims, http_subscriber: HttpSubscriber) -> None:
    """Whatever becomes of the events, images = complete + done + dead letters + not done."""
    answers = iter(
        [
            Answer(204, {"Tagging-Outcome": "tagged"}),
            Answer(400, {"Tagging-Outcome": "dead-letter"}, b"TagQuotaExceeded: the image is full"),
            Answer(204, {"Tagging-Outcome": "dead-letter"}),
            Answer(401),
        ]
    )
    http_subscriber.answer = lambda _: next(answers)
    ims.images([{"attributes": {"name": f"a{n}"}, "created_at": 1767608130 + n} for n in range(6)])
    ims.image(attributes={"name": "complete"}, tags={"owner": "ada"})
    ran = images("backfill", "--to", http_subscriber.url, "--json", *FAST, table=TABLE)
    found = ran.json
    assert ran.code == 1
    assert (found["images"], found["complete"], found["done"]) == (7, 1, {"tagged": 1})
    assert [row["name"] for row in found["dead_letters"]] == ["a1", "a2"]
    assert "TagQuotaExceeded" in found["dead_letters"][0]["detail"]
    assert ([row["name"] for row in found["not_done"]], found["not_sent"]) == (["a3"], 2)
    assert "--token-file" in found["not_done"][0]["detail"]


def test_undecidable(images: Images, ims: Ims) -> None:
    """Images that may lack tags are not called complete without a word."""
    ims.image(attributes={"name": "a"})
    table = '[[rule]]\ntags.owner = "{{ image.creator.name }}"'
    ran = images("backfill", "--dry-run", table=table)
    assert ran.shows("1 of those that need no event may lack tags that need what nobody knows")
    assert ran.shows("1 image: 1 need no event, 0 would get tags")


def test_a_dry_run_that_overwrites(images: Images, ims: Ims) -> None:
    """A dry run names what would be left, and its counts add up."""
    ims.image(attributes={"name": "prod-a"}, tags={"env": "test", "owner": "ada"})
    ims.image(attributes={"name": "prod-b"}, tags={"env": "test"})
    ran = images("backfill", "--dry-run", "--overwrite", table=TABLE)
    assert ran.shows("prod-b owner=nobody, env=prod (not test)")
    assert ran.shows("2 images: 0 need no event, 1 would get tags, 1 would be left")
    found = images("backfill", "--dry-run", "--overwrite", "--json", table=TABLE).json
    assert (found["images"], found["lacking"], len(found["not_done"])) == (2, 1, 1)


def test_a_dry_run_that_cannot_list(images: Images, ims: Ims) -> None:
    """Also if images cannot be listed, a dry run prints one JSON document, which says why."""
    ims.fault(match={"path": "/v2/cloudimages"}, status=403, code="IMG.0013")
    ran = images("backfill", "--dry-run", "--json", table=TABLE)
    assert ran.code == 2
    assert "ims:images:list" in ran.json["errors"][0]


def test_a_full_disk(images: Images, ims: Ims, rules_file: RulesFile) -> None:
    """Without room for the events that are to be sent, one sentence says so, and nothing is sent."""
    ims.image(attributes={"name": "a"})
    rules = rules_file(TABLE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        ran = images("backfill", "--to", "http://127.0.0.1:9/", RULES=rules)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (ran.code, ran.shows("there is no room for temporary files")) == (2, True)


def test_where_to(images: Images, ims: Ims) -> None:
    """Without a target, or with one that nobody serves, a sentence says what to do."""
    ims.image(attributes={"name": "a"})
    ran = images("backfill", table=TABLE)
    assert (ran.code, ran.shows("say where the function is with --to URL")) == (2, True)
    ran = images("backfill", "--to", "nats://127.0.0.1:9", table=TABLE)
    assert (ran.code, ran.shows("NATS does not answer")) == (2, True)

"""`images coverage`: every own image beside the tags that the rules would give it."""

import csv
import json
import time

import pytest

from tests.commands.images.conftest import Images, rows
from tests.processes.commands import fits
from tests.processes.emulator import Ims

OWNER = """
[[rule]]
name = "owner"
tags.owner = "{{ image.creator.name | local_part }}"
[[rule]]
name = "production"
when.image.name = [{ prefix = "prod-" }]
tags.env = "prod"
"""
OTHER = "fedcba9876543210fedcba9876543210"


def test_each_state(images: Images, ims: Ims) -> None:
    """An image has the state of what the rules give it and it has, with what it lacks and what differs."""
    table = """
[[rule]]
name = "production"
when.image.name = [{ prefix = "prod-" }]
tags.env = "prod"
tags.tier = "1"
[[rule]]
name = "by robots"
when.image.creator.kind = ["agency"]
when.image.name = [{ prefix = "robot-" }]
tags.robot = "yes"
"""
    ims.image(attributes={"name": "prod-lacking"}, tags={"env": "prod"})
    ims.image(attributes={"name": "prod-differing"}, tags={"env": "test", "tier": "1"})
    ims.image(attributes={"name": "prod-both"}, tags={"env": "test"})
    ims.image(attributes={"name": "prod-complete"}, tags={"env": "prod", "tier": "1", "more": "x"})
    ims.image(attributes={"name": "robot-unknown"})
    ims.image(attributes={"name": "robot-known"}, tags={"robot": "yes"})
    ims.image(attributes={"name": "other"})
    ran = images("coverage", "--json", table=table)
    found = rows(ran)
    assert {name: row["state"] for name, row in found.items()} == {
        "prod-lacking": "lacking",
        "prod-differing": "differing",
        "prod-both": "lacking",
        "prod-complete": "complete",
        "robot-unknown": "undecidable",
        "robot-known": "complete",
        "other": "nothing-to-tag",
    }
    assert found["prod-lacking"]["lacking"] == {"tier": "1"}
    assert found["prod-both"]["differing"] == {"env": {"is": "test", "would_be": "prod"}}
    assert found["robot-unknown"]["undecidable"] == ["robot"]
    assert found["prod-lacking"]["project_id"] == ims.project_id
    assert ran.code == 1


def test_nothing_lacks(images: Images, ims: Ims) -> None:
    """The exit code is 0 if no image lacks a tag, whatever else is to be said of them."""
    ims.image(attributes={"name": "old"}, tags={"env": "prod"})
    assert images("coverage", table=OWNER).code == 0


@pytest.mark.parametrize("several", [False, True])
def test_the_creator_in_the_trace(images: Images, ims: Ims, several: bool) -> None:
    """Traces say who made an image, also where one names the job alone and another the image."""
    names = ["first", "second"] if several else ["first"]
    ims.create(*names)
    found = rows(images("coverage", "--json", table=OWNER))
    assert {name: row["lacking"] for name, row in found.items()} == {name: {"owner": "ada"} for name in names}


def test_half_of_the_traces(images: Images, ims: Ims) -> None:
    """With the system's trace alone nobody knows the creator, and no image is complete by accident."""
    ims.control("PUT", "settings", {"traces": "second only"})
    ims.create("half")
    row = rows(images("coverage", "--json", table=OWNER))["half"]
    assert (row["state"], row["undecidable"]) == ("undecidable", ["owner"])


def test_a_trace_without_a_user(images: Images, ims: Ims) -> None:
    """A trace that names nobody leaves the creator unknown."""
    image = ims.image(attributes={"name": "mine"})
    ims.control("POST", "traces", {"traces": [{"resource_id": image, "user": None}]})
    assert rows(images("coverage", "--json", table=OWNER))["mine"]["undecidable"] == ["owner"]


def test_differing_by_half_of_the_traces(images: Images, ims: Ims) -> None:
    """The system's trace alone, which makes an event fill in, hides no tag that differs."""
    ims.control("PUT", "settings", {"traces": "second only"})
    ims.create("prod-half")
    (image,) = ims.control("GET", "images")["images"]
    ims.api("PUT", "/v1/cloudimages/tags", json={"image_id": image["id"], "tag": "env.test"})
    row = rows(images("coverage", "--json", table=OWNER))["prod-half"]
    assert row["differing"] == {"env": {"is": "test", "would_be": "prod"}}


def test_defaults(images: Images, ims: Ims) -> None:
    """A default is given where nobody knows better, and never differs from what was known once."""
    table = "[[rule]]\ntags.owner = \"{{ image.creator.name | default('nobody') }}\""
    ims.image(attributes={"name": "without"})
    ims.image(attributes={"name": "with"}, tags={"owner": "ada"})
    found = rows(images("coverage", "--json", table=table))
    assert (found["without"]["state"], found["without"]["lacking"]) == ("lacking", {"owner": "nobody"})
    assert found["with"]["state"] == "complete"


def test_rows_that_keep(images: Images, ims: Ims) -> None:
    """A tag that a row keeps does not differ."""
    table = '[[rule]]\ntags.env = { value = "prod", on_existing = "keep" }'
    ims.image(attributes={"name": "kept"}, tags={"env": "hand-made"})
    assert rows(images("coverage", "--json", table=table))["kept"]["state"] == "complete"


def test_whose_images(images: Images, ims: Ims) -> None:
    """Own images are looked at, shared ones among them, and no public or foreign ones."""
    ims.image(attributes={"name": "own"})
    ims.image(attributes={"name": "shared"}, members={OTHER: "accepted"})
    ims.image(attributes={"name": "public"}, public=True)
    ims.image(attributes={"name": "foreign"}, project_id=OTHER)
    ims.image(attributes={"name": "shared with us"}, project_id=OTHER, members={ims.project_id: "accepted"})
    ims.image(attributes={"name": "not made yet"}, status="queued")
    assert rows(images("coverage", "--json", table=OWNER)).keys() == {"own", "shared"}


@pytest.mark.parametrize("page_info", [False, True])
def test_pages(images: Images, ims: Ims, page_info: bool) -> None:
    """1,200 images made in one moment are each looked at once, in three calls."""
    ims.control("PUT", "settings", {"page_info": page_info})
    made = ims.images([{"attributes": {"name": f"prod-{n}"}, "created_at": 1767608130} for n in range(1200)])
    found = [
        json.loads(line)["image_id"] for line in images("coverage", "--json", table=OWNER).out.splitlines()
    ]
    assert sorted(found) == sorted(made)
    calls = [call for call in ims.control("GET", "calls")["calls"] if call["path"] == "/v2/cloudimages"]
    assert len(calls) == 3


def test_parents(images: Images, ims: Ims) -> None:
    """A table that reads parents costs one call a parent, however many images it has."""
    table = '[[rule]]\ntags.owner = "{{ parent.tags.owner }}"'
    parent = ims.image(attributes={"name": "parent"}, tags={"owner": "ada"}, project_id=OTHER, public=True)
    for n in range(5):
        ims.image(attributes={"name": f"child-{n}", "__originalimagename": parent})
    found = rows(images("coverage", "--json", table=table))
    assert found["child-3"]["lacking"] == {"owner": "ada"}
    calls = [call["path"] for call in ims.control("GET", "calls")["calls"]]
    assert calls.count(f"/v2/images/{parent}") == 1


def test_for_people(images: Images, ims: Ims) -> None:
    """People see counts, what each tag and rule lacks, and some images, in 80 columns without colour."""
    for n in range(3):
        ims.image(attributes={"name": f"prod-{n}"}, created_at=time.time() - n)
    ran = images("coverage", "--limit", "2", table=OWNER)
    assert fits(ran.out)
    assert ran.shows("3 images")
    assert ran.shows("env production 0 3 0 0")
    assert ran.shows("prod-2 env=prod")
    assert "prod-0" not in ran.out
    assert ran.shows("and 1 more; see them with --limit 3")


def test_for_spreadsheets(images: Images, ims: Ims) -> None:
    """--csv gives a row an image, and no cell is a formula, whatever an image is called."""
    ims.image(attributes={"name": '=cmd|" /C calc"!A0'})
    header, row = csv.reader(images("coverage", "--csv", table=OWNER).out.splitlines())
    assert header[:4] == ["image_id", "name", "project_id", "state"]
    assert row[1] == '\'=cmd|" /C calc"!A0'


def test_what_a_terminal_would_obey(images: Images, ims: Ims) -> None:
    """--csv holds no control characters, and a row is a line."""
    ims.image(attributes={"name": "a\x1b[31m\n\u202eb"})
    _, row, *more = images("coverage", "--csv", table=OWNER).out.splitlines()
    assert row.isprintable()
    assert not more
    assert "a\\u001b[31m\\n\\u202eb" in row


def test_simple_terminals(images: Images, ims: Ims) -> None:
    """The bar is in ASCII, and a long name takes no more than a few lines."""
    ims.image(attributes={"name": "prod-" + 5000 * "x"})
    out = images("coverage", table=OWNER).out
    assert out.isascii()
    assert len(out.splitlines()) < 30


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_notes_beside_rows(images: Images, form: str) -> None:
    """What could not be known is on standard error, if standard output has rows alone."""
    ran = images("coverage", form, table=OWNER, CTS_ENDPOINT="")
    assert "note:" in ran.err
    assert "set CTS_ENDPOINT" in ran.err


def test_one_form(images: Images) -> None:
    """Two forms of the output at once are wrong usage."""
    ran = images("coverage", "--json", "--csv", table=OWNER)
    assert (ran.code, "leave one out" in ran.out) == (2, True)


def test_no_right_to_list(images: Images, ims: Ims) -> None:
    """Without the right to list, one sentence names it."""
    ims.control("POST", "faults", {"match": {"path": "/v2/cloudimages"}, "status": 403, "code": "IMG.0013"})
    ran = images("coverage", table=OWNER)
    assert ran.code == 2
    assert ran.shows("needs the right ims:images:list")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 403, "code": "CTS.0002"}, "needs the right cts:trace:list"),
        ({"status": 404, "code": "CTS.0200"}, "see whether it is switched on"),
    ],
)
def test_no_traces(images: Images, ims: Ims, fault: dict[str, object], said: str) -> None:
    """Without traces it goes on, and says what it could not know."""
    ims.control("POST", "faults", {"match": {"path": f"/v3/{ims.project_id}/traces"}, "times": 9, **fault})
    ims.create("prod-mine")
    ran = images("coverage", table=OWNER)
    assert ran.code == 1
    assert ran.shows(said)
    assert ran.shows("so it is not known who made which image")


def test_address_of_traces(images: Images) -> None:
    """Where the address of Cloud Trace Service cannot be derived, that is said."""
    assert images("coverage", table=OWNER, CTS_ENDPOINT="").shows("set CTS_ENDPOINT")
    assert images("coverage", CTS_ENDPOINT="cts.example.com").shows("error: CTS_ENDPOINT must be an address")


def test_projects(images: Images) -> None:
    """Images are listed by project, so it has to be known."""
    ran = images("coverage", PROJECTS="")
    assert (ran.code, ran.shows("set PROJECTS")) == (2, True)


def test_audit(images: Images, ims: Ims) -> None:
    """Rules that only log give no tag, and that is said."""
    ims.image(attributes={"name": "a"})
    ran = images("coverage", table='[[rule]]\nmode = "audit"\ntags.env = "prod"')
    assert (ran.code, ran.shows('rules with mode = "audit" write no tags')) == (0, True)


def test_rules_that_fail(images: Images, ims: Ims) -> None:
    """An image for which a rule fails is undecidable, and why is said."""
    ims.image(attributes={"name": "a"})
    table = '[[rule]]\ntags.env = { value = "{{ ims.nothing }}", on_missing = "fail" }'
    row = rows(images("coverage", "--json", table=table))["a"]
    assert row["state"] == "undecidable"
    assert "ims.nothing" in row["why"]


def test_a_busy_service(images: Images, ims: Ims) -> None:
    """A throttled and a broken call are made again, and no image is left out for them."""
    ims.create("prod-a")
    traces = {"match": {"path": f"/v3/{ims.project_id}/traces"}}
    ims.control("POST", "faults", {"match": {"path": "/v2/cloudimages"}, "status": 503, "times": 1})
    ims.control("POST", "faults", {**traces, "status": 429, "retry_after": 0, "times": 1})
    ims.control("POST", "faults", {**traces, "status": 400, "code": "CTS.0300", "times": 1})
    row = rows(images("coverage", "--json", table=OWNER))["prod-a"]
    assert row["lacking"] == {"owner": "ada", "env": "prod"}

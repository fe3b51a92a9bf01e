"""What rules see of an image in IMS and of the image that it was made from, and what copies inherit.

Tables that differ in what they mention are tried in this process, and the calls are real.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

from handlers.core.outcomes import Outcome
from handlers.core.received import Received
from handlers.core.rules import RuleTable
from handlers.delivery import Deliveries
from handlers.edges.settings import signals
from handlers.image_created import Services
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created, just_now
from tests.support.paths import ROOT
from tests.support.tag_api import api_at

Json = dict[str, Any]
Handled = Callable[[str, Json], Outcome]

OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
GONE = "62a15f6c-9197-44d2-89c7-708981c1bec1"
HOUR = 3600.0


@pytest.fixture
def handled(ims: Ims) -> Handled:
    """Handles an event under a table, in front of the emulator, and gives its outcome."""
    api = api_at(ims.url)
    deliveries = Deliveries(lambda *_, **__: None, None, event_timeout=10, log_tag_values=True)

    def handled(table: str, event: Json) -> Outcome:
        rules = RuleTable.load(table.encode())
        services = Services(signals({}), lambda: rules, (), 1800, api.job, api.image, api.add_tags)
        return deliveries.handle([Received(event)], services, time.monotonic() + 10).outcome

    return handled


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of the tables of functions that run on their own."""
    folder = tmp_path_factory.mktemp("rules")
    for name, table in {"parent": PARENT_VALUE, "inherit": INHERIT}.items():
        (folder / f"{name}.toml").write_text(table)
    return {name: str(folder / f"{name}.toml") for name in ("parent", "inherit")}


def child_of(ims: Ims, parent: str, origin: str = "instance,x", **given: Any) -> str:
    """An image that was made from another one."""
    attributes = {"name": "web", "__data_origin": origin, "__originalimagename": parent}
    return ims.image(attributes=attributes, **given)


# --- calls

NOTHING = '[[rule]]\ntags.a = "1"\n'
KEEP = '[[rule]]\ntags.a = { value = "1", on_existing = "keep" }\n'
IMS_PATTERN = '[[rule]]\nwhen.ims.__os_type = ["Linux"]\ntags.a = "1"\n'
IMS_VALUE = '[[rule]]\ntags.a = "{{ ims.__os_type }}"\n'
IMS_DEFAULT = '[[rule]]\ntags.a = "{{ image.os_type | default(ims.__os_type) }}"\n'
PARENT_PATTERN = '[[rule]]\nwhen.parent.tags.owner = ["ada"]\ntags.a = "1"\n'
PARENT_VALUE = '[[rule]]\ntags.a = "{{ parent.tags.owner }}"\n'
UNMET = '[[rule]]\nwhen.type = ["never"]\ntags.a = { value = "1", on_existing = "keep" }\n'

CALLS: dict[str, tuple[str, bool, list[str]]] = {
    "nothing mentioned": (NOTHING, False, []),
    "keep": (KEEP, False, ["image"]),
    "keep, in a rule that does not match": (NOTHING.replace("a =", "b =") + UNMET, False, []),
    "fill in": (NOTHING, True, ["image"]),
    "keep and fill in": (KEEP, True, ["image"]),
    "fill in, all in audit": ('[defaults]\nmode = "audit"\n' + NOTHING, True, []),
    "ims in a pattern": (IMS_PATTERN, False, ["image"]),
    "ims in a value": (IMS_VALUE, False, ["image"]),
    "ims in a default": (IMS_DEFAULT, False, ["image"]),
    "ims, keep and fill in": (IMS_VALUE + KEEP.replace("a =", "b ="), True, ["image"]),
    "parent in a pattern": (PARENT_PATTERN, False, ["image", "parent"]),
    "parent in a value": (PARENT_VALUE, False, ["image", "parent"]),
    "parent twice, ims, keep and fill in": (
        PARENT_PATTERN + IMS_VALUE.replace("a =", "b =") + KEEP.replace("a =", "c =") + PARENT_VALUE,
        True,
        ["image", "parent"],
    ),
}


@pytest.mark.parametrize(("table", "fills_in", "read"), CALLS.values(), ids=CALLS)
def test_what_is_read(ims: Ims, handled: Handled, table: str, fills_in: bool, read: list[str]) -> None:
    """At most one reading of the image and one of its parent, and only of what the table mentions."""
    parent = ims.image(tags={"owner": "ada"}, attributes={"name": "base"})
    image_id = child_of(ims, parent)

    outcome = handled(table, created(image_id, tagfillin=fills_in or None))

    assert outcome.kind in {"tagged", "nothing-to-tag"}
    paths = {"image": f"/v2/images/{image_id}", "parent": f"/v2/images/{parent}"}
    assert [call["path"] for call in ims.calls("GET")] == [paths[name] for name in read]


def test_images_without_a_parent_cost_one_reading(ims: Ims, handled: Handled) -> None:
    """Whoever reads `parent` reads the image itself, and no more where it names none."""
    image_id = ims.image()

    assert handled(PARENT_VALUE, created(image_id)).kind == "nothing-to-tag"

    assert [call["path"] for call in ims.calls("GET")] == [f"/v2/images/{image_id}"]


def test_each_image_of_an_event_is_read(ims: Ims, handled: Handled) -> None:
    """Conditions on `ims` decide for each image of its own, and not for the first of them for all."""
    ims.create("data-1", "data-2")
    event = ims.events()[-1]
    table = '[[rule]]\nwhen.ims.name = ["data-2"]\ntags.second = "yes"\n'

    assert handled(table, event).kind == "tagged"

    images = ims.api("GET", "/v2/cloudimages").json()["images"]
    assert {image["name"]: image["tags"] for image in images} == {"data-1": [], "data-2": ["second=yes"]}


# --- objects

SEEN = """
[[rule]]
tags.os = "{{ ims.__os_type }}"
tags.status = "{{ ims.status }}"
tags.team = "{{ ims.tags.team }}"
tags.parent = "{{ parent.name }}"
tags.owner = "{{ parent.tags.owner }}"
tags.cost = "{{ parent.tags['cost-centre'] }}"
"""


def test_what_rules_see(ims: Ims, handled: Handled) -> None:
    """The members as IMS has them, and the tags by their keys, of the image and of its parent."""
    parent = ims.image(tags={"owner": "ada", "cost-centre": "4711"}, attributes={"name": "base"})
    image_id = child_of(ims, parent, tags={"team": "web"})

    assert handled(SEEN, created(image_id)).kind == "tagged"

    assert ims.tags(image_id) == {
        "os": "Linux",
        "status": "active",
        "team": "web",
        "parent": "base",
        "owner": "ada",
        "cost": "4711",
    }


def test_a_public_parent_is_seen(ims: Ims, handled: Handled) -> None:
    """It is nobody's own, and everybody may see it."""
    parent = ims.image(public=True, attributes={"name": "debian"})
    image_id = child_of(ims, parent)

    assert handled('[[rule]]\ntags.a = "{{ parent.name }}"\n', created(image_id)).kind == "tagged"

    assert ims.tags(image_id) == {"a": "debian"}


PARENTLESS = (
    '[[rule]]\ntags.a = "{{ parent.name | default(\'none\') }}"\n[[rule]]\ntags.b = "{{ parent.id }}"\n'
)


@pytest.mark.parametrize("extension", ["parent", "ims"])
def test_extensions_of_these_names_are_hidden(ims: Ims, handled: Handled, extension: str) -> None:
    """An event cannot say what the parent is, also where there is none."""
    image_id = ims.image(attributes={"name": "web"})
    table = f'[[rule]]\nwhen.{extension} = ["forged"]\ntags.forged = "yes"\n' + PARENTLESS

    assert handled(table, created(image_id, **{extension: "forged"})).kind == "tagged"

    assert ims.tags(image_id) == {"a": "none"}


# --- what is not there

ABSENT: dict[str, Json] = {
    "gone": {},
    "another project's": {"image": {"project_id": OTHER_PROJECT}},
    "no right": {"fault": {"status": 403}},
    "refused by a policy": {"fault": {"status": 401, "code": "EPS.0003"}},
    "another tenant's, by code": {"fault": {"code": "IMG.0106"}},
    "unknown, by code": {"fault": {"code": "IMG.0027"}},
}


@pytest.mark.parametrize("case", ABSENT.values(), ids=ABSENT)
def test_a_parent_that_cannot_be_seen_is_absent(ims: Ims, handled: Handled, case: Json) -> None:
    """The image is tagged as one without a parent, and nothing is asked again."""
    parent = ims.image(**case["image"]) if "image" in case else GONE
    image_id = child_of(ims, parent)
    if "fault" in case:
        ims.fault(**case["fault"], match={"path": f"/v2/images/{parent}"})

    outcome = handled(PARENTLESS, created(image_id))

    assert (outcome.kind, ims.tags(image_id)) == ("tagged", {"a": "none"})
    assert len(ims.calls("GET")) == 2


def test_an_absent_parent_is_logged(serve: Serve, ims: Ims, tables: dict[str, str]) -> None:
    """Who asks why a tag is missing finds a line that says which parent IMS did not show, and why."""
    image_id = child_of(ims, GONE)
    function = serve(RULES=tables["parent"], LOG_LEVEL="debug")
    assert function.structured(created(image_id)).status_code == 204
    absent, image = function.lines()
    named = {name: absent[name] for name in ("message", "severity", "image_id", "parent_id", "reason")}
    assert named == {
        "message": "parent.absent",
        "severity": "DEBUG",
        "image_id": image_id,
        "parent_id": GONE,
        "reason": "ImageNotFound",
    }
    assert absent["event_id"] == image["event_id"]


def test_a_parent_in_another_region_is_not_asked_for(ims: Ims, handled: Handled) -> None:
    """Where the event tells the region, and the image's origin names another one."""
    here = ims.image()
    image_id = child_of(ims, here, origin=f"image,cn-south-1,{here}")
    data = {"image_id": image_id, "region": "eu-de"}

    assert handled(PARENTLESS, created(image_id, data=data)).kind == "tagged"

    assert (ims.tags(image_id), len(ims.calls("GET"))) == ({"a": "none"}, 1)


@pytest.mark.parametrize("table", [IMS_VALUE, IMS_PATTERN, PARENT_VALUE], ids=["ims", "pattern", "parent"])
def test_an_image_that_is_not_there_yet(ims: Ims, handled: Handled, table: str) -> None:
    """A young event comes again, an old one becomes a dead letter: the image itself is never absent."""
    young = handled(table, created(GONE, time=just_now()))
    old = handled(table, created(GONE))

    assert (young.kind, young.reason) == ("retry", "ImageNotFound")
    assert (old.kind, old.reason) == ("dead-letter", "ImageNotFound")
    assert ims.calls("PUT") == []


FAILS: dict[str, tuple[Json, int, str]] = {
    "throttled": ({"code": "APIG.0308", "retry_after": 7}, 429, "Throttled"),
    "flow control": ({"code": "IMG.0060"}, 429, "Throttled"),
    "unavailable": ({"status": 503}, 503, "TagApiUnavailable"),
    "a page": ({"status": 200, "body": "<html>"}, 503, "UnexpectedReply"),
    "credentials": ({"status": 401}, 503, "CredentialsRejected"),
}


@pytest.mark.parametrize("whose", ["image", "parent"])
@pytest.mark.parametrize(("fault", "status", "reason"), FAILS.values(), ids=FAILS)
def test_a_reading_that_fails(
    serve: Serve, ims: Ims, tables: dict[str, str], whose: str, fault: Json, status: int, reason: str
) -> None:
    """What may go right later comes again, of the parent too: half of the truth is never written."""
    parent = ims.image(tags={"owner": "ada"})
    image_id = child_of(ims, parent)
    ims.fault(**fault, match={"path": f"/v2/images/{parent if whose == 'parent' else image_id}"})
    function = serve(RULES=tables["parent"])

    reply = function.structured(created(image_id))

    assert (reply.status_code, reply.text.partition(":")[0]) == (status, reason)
    assert reply.headers.get("Retry-After") == str(fault.get("retry_after", reply.headers["Retry-After"]))
    assert ims.tags(image_id) == {}
    ims.lift_faults()
    assert function.structured(created(image_id)).status_code == 204
    assert ims.tags(image_id) == {"a": "ada"}


# --- copies


def copy_of(ims: Ims, source: str, name: str = "prod-copy") -> tuple[str, Json, Json]:
    """The id of a copy that the cloud has made, and the two events of that."""
    job = ims.job(ims.copy(source, name))
    first, second = ims.events()[-2:]
    return job["entities"]["image_id"], first, second


@pytest.mark.parametrize("resource", ["source", "copy"])
@pytest.mark.parametrize("which", [0, 1], ids=["first trace", "second trace"])
def test_a_trace_of_a_copy_tags_the_copy(function: Function, ims: Ims, resource: str, which: int) -> None:
    """Whatever the trace has as its resource; the source, which it may name, is never tagged."""
    ims.settings(copy_resource=resource)
    source = ims.image(attributes={"name": "web-base"})
    copy, *events = copy_of(ims, source)

    assert function.structured(events[which]).headers["Tagging-Outcome"] == "tagged"

    day = {"created-on": events[0]["time"][:10], "created-for": "production"}
    assert ims.tags(copy) == day | ({"created-by": "ada"} if which == 0 else {})
    assert ims.tags(source) == {}
    assert {call["image_id"] for call in ims.calls("PUT")} == {copy}


def test_a_copy_that_is_not_there_yet(function: Function, ims: Ims) -> None:
    """Its first trace waits for the job, although its source could be tagged at once."""
    source = ims.image(status="active")
    ims.settings(active_after=HOUR)
    ims.copy(source, "prod-copy")
    [first] = ims.events()

    reply = function.structured(first)

    assert (reply.status_code, reply.text.partition(":")[0]) == (503, "JobRunning")
    assert ims.tags(source) == {}


def test_a_copy_that_failed(function: Function, ims: Ims) -> None:
    """Its second trace, which names the source alone, is ignored."""
    ims.settings(jobs_fail=True)
    source = ims.image()
    ims.copy(source, "prod-copy")

    reply = function.structured(ims.events()[-1])

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (204, "ignored")
    assert ims.calls("PUT") == []


def test_a_copy_of_which_nothing_is_named(function: Function, ims: Ims) -> None:
    """A trace that holds neither the copy nor its job is a dead letter: the source is no guess."""
    source = ims.image()
    _, first, _ = copy_of(ims, source)

    reply = function.structured(first | {"data": first["data"] | {"response": ""}})

    assert (reply.status_code, reply.text.partition(":")[0]) == (400, "InvalidEvent")
    assert ims.calls("PUT") == []


PAGE = (ROOT / "handlers" / "rules.md").read_text(encoding="utf-8")
RECIPE = PAGE.partition("\nCopies inherit ")[2].partition("```toml\n")[2].partition("```\n")[0]
INHERIT = f"""{RECIPE}
[[rule]]
name = "everything else belongs to whoever created it"
tags.owner = "{{{{ image.creator.name | local_part }}}}"
"""


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0,), (1,)], ids=str)
def test_copies_inherit(serve: Serve, ims: Ims, tables: dict[str, str], order: tuple[int, ...]) -> None:
    """A copy, and a copy of the copy, get owner and cost centre of the first image, whichever traces come."""
    first = ims.image(tags={"owner": "grace", "cost-centre": "4711"})
    function = serve(RULES=tables["inherit"])

    source = first
    for generation in ("a", "b"):
        source, *events = copy_of(ims, source, f"copy-{generation}")
        for which in order:
            assert function.structured(events[which]).status_code == 204
        assert ims.tags(source) == {"owner": "grace", "cost-centre": "4711"}


def test_what_is_no_copy_inherits_nothing(serve: Serve, ims: Ims, tables: dict[str, str]) -> None:
    """An image of a server, whose parent has an owner, belongs to whoever created it."""
    parent = ims.image(tags={"owner": "grace", "cost-centre": "4711"})
    server = "877a2cda-ba63-4e1e-b95f-e67e48b6129a"
    ims.put_server(server, parent)
    body = {"name": "web", "instance_id": server}
    job = ims.job(ims.api("POST", "/v2/cloudimages/action", json=body).json()["job_id"])

    for event in ims.events():
        assert serve(RULES=tables["inherit"]).structured(event).status_code == 204

    assert ims.tags(job["entities"]["image_id"]) == {"owner": "ada"}


def test_a_copy_of_an_image_without_an_owner(serve: Serve, ims: Ims, tables: dict[str, str]) -> None:
    """It falls to the next rule."""
    copy, *events = copy_of(ims, ims.image())

    for event in events:
        assert serve(RULES=tables["inherit"]).structured(event).status_code == 204

    assert ims.tags(copy) == {"owner": "ada"}

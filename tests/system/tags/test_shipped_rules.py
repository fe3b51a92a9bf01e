"""The rules table that ships: what it makes of events, out of the box."""

from itertools import permutations
from typing import Any

import pytest

from handlers.core.events import recognise
from handlers.core.ims.limits import LIMITS
from handlers.core.rules import RuleTable, TagPlan
from tests.support import sample_files
from tests.support.in_memory import Memory
from tests.support.paths import ROOT
from tests.support.sample_events import SAYS

Json = dict[str, Any]

SHIPPED = (ROOT / "handlers" / "rules.toml").read_bytes()

ID = "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"

TAGGED = {name: facts for name, facts in sample_files.EXPECTED.items() if facts["outcome"] == "tagged"}


def derive_all(event: Json, table: bytes = SHIPPED) -> list[TagPlan]:
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, list), recognised
    return [RuleTable.load(table).tags_for(created.event) for created in recognised]


def derive(event: Json, table: bytes = SHIPPED) -> TagPlan:
    (one,) = derive_all(event, table)
    return one


def trace(**fields: Any) -> Json:
    data = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_id": ID,
        "resource_name": "prod-web",
    }
    return {"specversion": "1.0", "id": "1", "source": "HC.IMS", "type": "x", "data": data | fields}


@pytest.mark.parametrize("limits", LIMITS)
def test_it_is_sound(limits: str) -> None:
    """The shipped table has no fault, whichever limits somebody sets in it."""
    assert SHIPPED.count(b'limits = "common"') == 1
    table = RuleTable.load(SHIPPED.replace(b'limits = "common"', f'limits = "{limits}"'.encode()))
    assert table.limits is LIMITS[limits]


@pytest.mark.parametrize(("name", "facts"), TAGGED.items(), ids=TAGGED)
def test_golden_events(name: str, facts: Json) -> None:
    """Each image of a golden event gets the tags that its expectations name, and no others."""
    derived = [each for event in sample_files.events(name) for each in derive_all(event)]
    assert [dict(each.to_write) for each in derived] == [facts["tags"]] * len(sample_files.IMAGES[name])


def test_an_event_that_tells_nothing() -> None:
    """An image of which nothing but the id is known gets no tag, and no error."""
    bare = {"specversion": "1.0", "id": "1", "source": "/x", "type": "image.created", "subject": ID}
    derived = derive(bare)
    assert derived.to_write == []
    assert {left.key for left in derived.skipped} == {"created-by", "created-on"}


def test_a_trial() -> None:
    """With the mode "audit", as its comment recommends for a first day, it writes nothing."""
    assert SHIPPED.count(b'mode = "enforce"') == 1
    derived = derive(trace(user={"name": "jane"}), SHIPPED.replace(b'mode = "enforce"', b'mode = "audit"'))
    assert derived.to_write == []
    assert {each.tag.key for each in derived.tags} == {"created-by", "created-for"}


NAMES = {
    "prod-web": True,
    "production-web": True,
    "prod-": True,
    "product-page": False,
    "prod": False,
    "Prod-web": False,
    "web-prod-": False,
}


@pytest.mark.parametrize(("name", "production"), NAMES.items(), ids=NAMES)
def test_production_images(name: str, production: bool) -> None:
    """An image is for production if its name begins with one of two words and a hyphen."""
    written = dict(derive(trace(resource_name=name)).to_write)
    assert written == ({"created-for": "production"} if production else {})


CREATORS = {
    "jane": "jane",
    "Jane.Doe@example.com": "jane_doe",
    "acme/op_service": "acme_op_service",
    "iam::1:user:jane": "iam__1_user_jane",
    "Jürgen": "j_rgen-19b720a9",
    "": None,
}


@pytest.mark.parametrize(("name", "value"), CREATORS.items(), ids=CREATORS)
def test_creators(name: str, value: str | None) -> None:
    """A creator's name becomes a value that IMS accepts, without the domain of a mail address."""
    written = dict(derive(trace(user={"name": name})).to_write)
    assert written.get("created-by") == value


FIRST = trace(
    trace_type="ConsoleAction",
    user={"name": "jane"},
    time="2026-01-05T23:58:00Z",
    response={"job_id": "9a175ac792fa12d20193002100dd2762"},
)
RESULTS: dict[str, Json] = {
    "no user": {"user": None},
    "a service as user": {"user": {"name": "aaa/op_service", "id": "f2fe", "domain": {"name": "aaa"}}},
}


@pytest.mark.parametrize("begun", [{"begin_time": "2026-01-05T23:58:01.195Z"}, {}], ids=["begun", "ended"])
@pytest.mark.parametrize("user", RESULTS.values(), ids=RESULTS)
def test_two_traces_of_one_creation(user: Json, begun: Json) -> None:
    """The tags of an image do not depend on which of the two traces of its creation comes last.

    The second may know no other day than its own, which is the next one here: the first's day stands.
    """
    result = trace(
        trace_type="SystemAction",
        time="2026-01-06T00:03:00Z",
        response={"status": "SUCCESS", "entities": {"image_id": ID}} | begun,
        **user,
    )
    for traces in permutations([FIRST, result]):
        image = Memory(RuleTable.load(SHIPPED))
        for event in traces:
            image.handle(event)
        assert image.tags == {
            ID: {"created-by": "jane", "created-on": "2026-01-05", "created-for": "production"}
        }

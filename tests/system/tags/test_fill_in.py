"""Events that fill in: the tags of one creation do not depend on the order or the number of its events."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.core.rules import RuleTable
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.support.in_memory import Memory
from tests.support.sample_events import ID, JOB, trace

Json = dict[str, Any]

# --- the property, in memory

PARENT = "42d39b4a-19b7-4ee2-b01b-a9f1353b4c54"

FIELDS = (
    "type",
    "data.trace_type",
    "data.user.name",
    "data.source_ip",
    "data.response.job_id",
    "image.name",
    "image.created_at",
    "image.creator.kind",
    "image.creator.name",
    "image.creator.domain",
    "image.creator.tool",
    "ims.name",
    "ims.__os_type",
    "parent.name",
    "parent.tags.owner",
)
"""Of a trace, of the image, and of its parent. `ims.tags` is missing: it is what the events change."""

WORDS = st.sampled_from(["ada", "web", "ApiCall", "SystemAction", "service", "user", "Linux", "2026-01-05"])

CONDITIONS = st.one_of(
    st.lists(WORDS, min_size=1, max_size=3),
    st.builds(lambda there: [{"exists": there}], st.booleans()),
    st.builds(lambda word: [{"anything-but": word}, {"exists": False}], WORDS),
    st.builds(lambda word: [{"prefix": word[:1]}], WORDS),
)

VALUES = st.one_of(
    WORDS,
    st.builds("{{{{ {} }}}}".format, st.sampled_from(FIELDS)),
    st.builds("{{{{ {} | default('{}') }}}}".format, st.sampled_from(FIELDS), WORDS),
    st.builds("{{{{ {} | default({}, '-') }}}}".format, st.sampled_from(FIELDS), st.sampled_from(FIELDS)),
    st.just("{{ image.created_at | date }}"),
)

TAGS = st.fixed_dictionaries(
    {"value": VALUES}, optional={"on_missing": st.sampled_from(["skip", "skip", "skip", "fail"])}
)

RULES = st.fixed_dictionaries(
    {"tags": st.dictionaries(st.sampled_from("abcdef"), TAGS, min_size=1, max_size=3)},
    optional={
        "when": st.dictionaries(st.sampled_from(FIELDS), CONDITIONS, min_size=1, max_size=2),
        "mode": st.sampled_from(["enforce", "enforce", "audit"]),
    },
)

TIMES = st.sampled_from(["2026-01-05T23:58:00Z", "2026-01-06T00:03:00Z"])
NAMES = st.sampled_from(["web", "ada", "acme/op_service", ""])


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(member)}" for name, member in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def table_of(rules: list[Json]) -> RuleTable:
    text = ""
    for rule in rules:
        text += "[[rule]]\n" + (f"mode = {toml(rule['mode'])}\n" if "mode" in rule else "")
        text += "".join(f"when.{path} = {toml(wanted)}\n" for path, wanted in rule.get("when", {}).items())
        text += f"tags = {toml(rule['tags'])}\n"
    return RuleTable.load(text.encode())


@st.composite
def creations(draw: st.DrawFn) -> tuple[Json, Json]:
    """The two traces of a creation: of whoever asked for it, and of the system."""
    name = draw(NAMES)
    first = trace(
        trace_type=draw(st.sampled_from(["ApiCall", "ConsoleAction"])),
        resource_id=draw(st.sampled_from([ID, ...])),
        resource_name=name,
        user={"name": draw(NAMES), "type": draw(st.sampled_from(["User", "AssumedAgency", ""]))},
        source_ip="192.0.2.1",
        response={"job_id": JOB},
        time=draw(TIMES),
    )
    job = {"job_id": JOB, "status": "SUCCESS", "entities": {"image_id": ID, "image_name": name}}
    second = trace(
        trace_type="SystemAction",
        resource_id=draw(st.sampled_from([ID, ...])),
        resource_name=name,
        user=draw(st.sampled_from([None, {"name": "acme/op_service", "domain": {"name": "acme"}}])),
        response=json.dumps(job | draw(st.sampled_from([{}, {"begin_time": "2026-01-05T23:57:00Z"}]))),
        time=draw(TIMES),
    )
    return first, second


def image_of(table: RuleTable, tags: Json) -> Memory:
    memory = Memory(table, tags, name="web", __os_type="Linux", __originalimagename=PARENT)
    memory.tags[PARENT] = {"owner": "ada"}
    memory.attributes[PARENT] = {"name": "base"}
    return memory


@settings(max_examples=500)
@given(
    rules=st.lists(RULES, min_size=1, max_size=5),
    creation=creations(),
    own=st.dictionaries(st.sampled_from("abc"), WORDS, max_size=2),
    lost=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=4),
    last=st.sampled_from([(0, 1), (1, 0)]),
)
def test_the_order_of_events_does_not_matter(
    rules: list[Json],
    creation: tuple[Json, Json],
    own: Json,
    lost: list[tuple[bool, bool]],
    last: tuple[int, int],
) -> None:
    """Whatever the rules that overwrite: both traces, in any order and number, some lost and sent once more.

    The image ends with what the trace that names the creator gives, then with its own tags, then with what
    the system's trace gives.
    """
    table = table_of(rules)
    by_creator, by_system = (image_of(table, {}) for _ in creation)
    by_creator.handle(creation[0])
    by_system.handle(creation[1])
    image = image_of(table, own)

    for again, broken in lost:
        image.broken = broken
        image.handle(creation[again])
    image.broken = False
    for which in last:
        image.handle(creation[which])

    assert image.tags[ID] == by_system.tags[ID] | own | by_creator.tags[ID]
    assert image.tags[PARENT] == {"owner": "ada"}


EVERYTHING = """
[[rule]]
tags.by = "{{ image.creator.name | default('nobody') }}"
tags.trace = "{{ data.trace_type }}"
[[rule]]
when.image.creator.kind = ["service"]
tags.system = "yes"
[[rule]]
mode = "audit"
tags.watched = "{{ data.trace_type }}"
"""
FIRST_ALONE = {"by": "ada_example_com", "trace": "ApiCall"}
SECOND_ALONE = {"by": "nobody", "trace": "SystemAction", "system": "yes"}


def test_the_property_is_about_something() -> None:
    """Without an event that fills in, the order matters for such a table."""
    assert SECOND_ALONE | FIRST_ALONE != FIRST_ALONE | SECOND_ALONE


# --- over HTTP


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    path.write_text(EVERYTHING)
    return str(path)


def creation(ims: Ims) -> tuple[str, Json, Json]:
    """The id of an image that the cloud has created, and the two events of that."""
    job = ims.job(ims.create("web"))
    first, second = ims.events()[-2:]
    return job["entities"]["image_id"], first, second


ORDERS = [(0, 1), (1, 0), (0,), (1,), (0, 1, 0), (1, 0, 1), (1, 1, 0, 0), (0, 1, 1, 0, 1)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_traces_of_a_creation(serve: Serve, ims: Ims, everything: str, order: tuple[int, ...]) -> None:
    """What the traces alone give, the first's before the second's, in every order and number."""
    image_id, *events = creation(ims)
    function = serve(RULES=everything)

    for which in order:
        assert function.structured(events[which]).headers["Tagging-Outcome"] in {"tagged", "nothing-to-tag"}

    alone = [FIRST_ALONE, SECOND_ALONE]
    assert ims.tags(image_id) == {
        tag: value for which in sorted(set(order), reverse=True) for tag, value in alone[which].items()
    }


@pytest.mark.parametrize(
    ("lost", "method"),
    [
        pytest.param(0, "PUT", id="first, in writing"),
        pytest.param(1, "GET", id="second, in reading"),
        pytest.param(1, "PUT", id="second, in writing"),
    ],
)
def test_a_trace_that_comes_again(serve: Serve, ims: Ims, everything: str, lost: int, method: str) -> None:
    """One that met a fault comes once more, after the other, and the end is the same."""
    image_id, *events = creation(ims)
    function = serve(RULES=everything)
    ims.fault(status=503, times=1, match={"method": method, "image_id": image_id})
    assert function.structured(events[lost]).status_code == 503

    for which in (1 - lost, lost):
        assert function.structured(events[which]).status_code == 204

    assert ims.tags(image_id) == SECOND_ALONE | FIRST_ALONE


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_both_traces_in_one_batch(serve: Serve, ims: Ims, everything: str, order: tuple[int, ...]) -> None:
    """The events of a delivery are handled side by side, and yet the one that fills in reads last."""
    image_id, *events = creation(ims)
    function = serve(RULES=everything)
    events[1]["data"]["resource_id"] = image_id.upper()
    # The answer is what was there half a second ago: time enough for the other event to write.
    ims.fault(delay=0.5, after="after", match={"method": "GET", "path": "/v2/images/"})

    reply = function.post(
        [events[which] for which in order], content_type="application/cloudevents-batch+json"
    )

    assert reply.status_code == 204
    assert ims.tags(image_id) == SECOND_ALONE | FIRST_ALONE


def test_what_fills_in_waits_for_its_own_image_alone(serve: Serve, ims: Ims, everything: str) -> None:
    """Images that only the system tells of are read side by side, before any of them is written."""
    creations = [creation(ims) for _ in range(4)]
    ims.fault(delay=0.5, match={"method": "GET"})
    events = [creations[0][1]] + [second for _, _, second in creations[1:]]

    reply = serve(RULES=everything).post(events, content_type="application/cloudevents-batch+json")

    assert reply.status_code == 204
    filled = [image_id for image_id, *_ in creations[1:]]
    calls = [
        call["method"] for call in ims.calls() if call["image_id"] in filled and "/jobs/" not in call["path"]
    ]
    assert calls == ["GET"] * 3 + ["PUT"] * 9


# --- the extension attribute

FILLS_IN = {
    "true": (True, True),
    "text true": ("true", True),
    "false": (False, False),
    "text false": ("false", False),
    "absent": (None, False),
}


def deliver(function: Function, mode: str, event: Json) -> None:
    if mode == "binary":
        attributes = {f"ce_{name}": value for name, value in event.items() if name != "data"}
        words = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()
        }
        reply = function.post(event["data"], content_type="application/json", **words)
    elif mode == "batch":
        reply = function.post([event], content_type="application/cloudevents-batch+json")
    else:
        reply = function.structured(event)
    assert reply.status_code == 204, reply.text


@pytest.mark.parametrize("mode", ["binary", "structured", "batch"])
@pytest.mark.parametrize(("value", "fills_in"), FILLS_IN.values(), ids=FILLS_IN)
def test_the_extension(
    serve: Serve, ims: Ims, everything: str, mode: str, value: object, fills_in: bool
) -> None:
    """With `tagfillin` an event writes only what is missing, in each mode, and the log says why."""
    image_id = ims.image(tags={"trace": "mine", "own": "mine"})
    function = serve(RULES=everything)
    data = {"image_id": image_id, "user": {"name": "ada"}, "trace_type": "x"}

    deliver(function, mode, created(image_id, tagfillin=value, data=data))

    assert ims.tags(image_id) == {"by": "ada", "trace": "mine" if fills_in else "x", "own": "mine"}
    [line] = function.lines()
    kept = [tag["detail"] for tag in line.get("not_written", [])]
    assert kept == ["the image has a tag of this key, and the event only fills in"] * fills_in
    assert len(ims.calls("GET")) == fills_in

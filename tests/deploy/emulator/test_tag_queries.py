"""The IMS emulator finds images by their tags, and lists the tags of a project."""

from typing import Any

import pytest

from tests.processes.emulator import Ims

OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
PATH = f"/v2/{Ims.project_id}/images"
ACTION = f"{PATH}/resource_instances/action"


def tag(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "values": list(values)}


def code(ims: Ims, body: object) -> str:
    response = ims.api("POST", ACTION, json=body)
    assert response.status_code == 400, response.text
    return str(response.json()["error"]["code"])


@pytest.fixture
def ids(ims: Ims) -> list[str]:
    """Five images of the caller: `a` is the oldest; and some that are not."""
    tags: list[dict[str, str]] = [
        {"env": "prod", "team": "web"},
        {"env": "test"},
        {"team": ""},
        {},
        {"env": "prod"},
    ]
    own: list[dict[str, Any]] = [
        {"created_at": 1000 + place, "attributes": {"name": f"image-{name}"}, "tags": given}
        for place, (name, given) in enumerate(zip("abcde", tags, strict=True))
    ]
    own[4]["members"] = {OTHER_PROJECT: "accepted"}
    others: list[dict[str, Any]] = [
        {"project_id": OTHER_PROJECT, "tags": {"env": "prod"}},
        {"project_id": OTHER_PROJECT, "tags": {"env": "prod"}, "members": {ims.project_id: "accepted"}},
        {"public": True, "tags": {"env": "prod"}},
    ]
    return ims.images(own + others)[:5]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, "edcba", id="all"),
        pytest.param({"tags": [tag("env", "prod")]}, "ea", id="one tag"),
        pytest.param({"tags": [tag("env", "prod", "test")]}, "eba", id="one of two values"),
        pytest.param({"tags": [tag("env")]}, "eba", id="any value"),
        pytest.param({"tags": [tag("env", "prod"), tag("team", "web")]}, "a", id="all of these"),
        pytest.param({"tags_any": [tag("env", "test"), tag("team")]}, "cba", id="any of these"),
        pytest.param({"not_tags": [tag("env", "prod"), tag("team", "web")]}, "edcb", id="not all of these"),
        pytest.param({"not_tags_any": [tag("env", "prod"), tag("team")]}, "db", id="none of these"),
        pytest.param({"not_tags": [tag("env")]}, "dc", id="without a key"),
        pytest.param({"tags": [tag("env")], "not_tags": [tag("team")]}, "eb", id="both"),
        pytest.param({"without_any_tag": True}, "d", id="without any"),
        pytest.param({"without_any_tag": True, "tags": [tag("env")]}, "d", id="the others are void"),
        pytest.param({"without_any_tag": False}, "edcba", id="with or without"),
        pytest.param({"matches": [{"key": "resource_name", "value": "image-"}]}, "edcba", id="part"),
        pytest.param({"matches": [{"key": "resource_name", "value": "e-b"}]}, "b", id="part of one"),
        pytest.param({"matches": [{"key": "resource_name", "value": ""}]}, "", id="empty name"),
    ],
)
@pytest.mark.usefixtures("ids")
def test_images_are_found_by_tags(ims: Ims, query: dict[str, Any], expected: str) -> None:
    """The caller's own, the newest first, and as many are counted."""
    found = ims.api("POST", ACTION, json={"action": "filter", **query}).json()
    counted = ims.api("POST", ACTION, json={"action": "count", **query}).json()

    assert [image["resource_name"] for image in found["resources"]] == [f"image-{name}" for name in expected]
    assert counted == {"total_count": found["total_count"]} == {"total_count": len(expected)}


def test_a_resource_has_its_tags_apart(ims: Ims, ids: list[str]) -> None:
    """And its status, but no time and no owner."""
    matches = [{"key": "resource_id", "value": ids[0]}]
    found = ims.api("POST", ACTION, json={"action": "filter", "matches": matches}).json()

    assert found["resources"] == [
        {
            "resource_id": ids[0],
            "resource_name": "image-a",
            "resource_detail": {"status": "active"},
            "tags": [{"key": "env", "value": "prod"}, {"key": "team", "value": "web"}],
        }
    ]


def test_a_page_has_ten_images_and_at_most_a_thousand(ims: Ims) -> None:
    """`limit` and `offset` are texts; the total is that of all pages."""
    ims.images([{"attributes": {"name": str(number)}} for number in range(1001)])

    def page(**query: str) -> tuple[int, int]:
        found = ims.api("POST", ACTION, json={"action": "filter", **query}).json()
        return len(found["resources"]), found["total_count"]

    assert page() == (10, 1001)
    assert page(limit="1000") == (1000, 1001)
    assert page(limit="1000", offset="1000") == (1, 1001)
    assert page(offset="2000") == (0, 1001)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, "IMG.0001", id="no action"),
        pytest.param({"action": "Filter"}, "IMG.0001", id="another case"),
        pytest.param({"action": "filter", "limit": 10}, "IMG.0001", id="limit is a number"),
        pytest.param({"action": "filter", "limit": "0"}, "IMG.0001", id="limit 0"),
        pytest.param({"action": "filter", "limit": "1001"}, "IMG.0001", id="limit 1001"),
        pytest.param({"action": "filter", "offset": "-1"}, "IMG.0001", id="offset"),
        pytest.param({"action": "count", "tags": []}, "IMG.0115", id="no tags"),
        pytest.param({"action": "count", "tags": [tag("a")] * 2}, "IMG.0115", id="a key twice"),
        pytest.param({"action": "count", "tags": [tag("a", "1", "1")]}, "IMG.0115", id="a value twice"),
        pytest.param({"action": "count", "tags": [tag(str(n)) for n in range(11)]}, "IMG.0115", id="11 keys"),
        pytest.param(
            {"action": "count", "tags": [tag("a", *map(str, range(11)))]}, "IMG.0115", id="11 values"
        ),
        pytest.param({"action": "count", "tags": [tag("k" * 129)]}, "IMG.0115", id="long key"),
        pytest.param({"action": "count", "tags": [tag("a", "v" * 256)]}, "IMG.0115", id="long value"),
        pytest.param({"action": "count", "tags": [{"key": "a"}]}, "IMG.0001", id="no values"),
        pytest.param({"action": "count", "matches": [{"key": "name", "value": "a"}]}, "IMG.0001", id="match"),
        pytest.param(
            {"action": "count", "matches": [{"key": "resource_id", "value": "a"}] * 2},
            "IMG.0001",
            id="the same match twice",
        ),
    ],
)
def test_a_wrong_query_is_refused(ims: Ims, query: dict[str, Any], expected: str) -> None:
    """With the codes of tags and of requests."""
    assert code(ims, query) == expected


def test_the_limits_themselves_are_taken(ims: Ims) -> None:
    """Ten keys of ten values, as long as can be."""
    tags = [tag(f"{n}".rjust(128, "k"), *(f"{v}".rjust(255, "v") for v in range(10))) for n in range(10)]

    response = ims.api("POST", ACTION, json={"action": "count", "tags": tags})

    assert response.json() == {"total_count": 0}


@pytest.mark.usefixtures("ids")
def test_the_tags_of_a_project_are_listed_once(ims: Ims) -> None:
    """Each key with its values; a key alone has an empty one. Others' are not among them."""
    response = ims.api("GET", f"{PATH}/tags")

    listed = {tag["key"]: sorted(tag["values"]) for tag in response.json()["tags"]}
    assert listed == {"env": ["prod", "test"], "team": ["", "web"]}


@pytest.mark.parametrize("path", [f"/v2/{OTHER_PROJECT}/images/tags", ACTION.replace(Ims.project_id, "x")])
def test_only_the_own_project_can_be_asked(ims: Ims, path: str) -> None:
    """Another one is refused."""
    method = "POST" if path.endswith("action") else "GET"
    response = ims.api(method, path, json={"action": "count"})

    assert response.json()["error"]["code"] == "IMG.0067"

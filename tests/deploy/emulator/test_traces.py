"""The IMS emulator remembers what happened in it as Cloud Trace Service does."""

from typing import Any

import pytest

from tests.processes.emulator import Ims

OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
PATH = f"/v3/{Ims.project_id}/traces"
HOUR, DAY = 3600, 86_400


def answer(ims: Ims, **query: Any) -> dict[str, Any]:
    response = ims.api("GET", PATH, params={name.rstrip("_"): value for name, value in query.items()})
    assert response.status_code == 200, response.text
    return dict(response.json())


def traces(ims: Ims, **query: Any) -> list[dict[str, Any]]:
    return list(answer(ims, limit=200, **query)["traces"])


def names(ims: Ims, **query: Any) -> list[str]:
    return [trace["resource_name"] for trace in traces(ims, **query)]


def put(ims: Ims, *named: str, **given: Any) -> list[str]:
    """Traces of these resources, a second apart, the last of them a minute ago; their ids."""
    last = now(ims) - 60_000
    return ims.put_traces(
        *(
            {"resource_name": name, "time": last - 1000 * (len(named) - 1 - place)} | given
            for place, name in enumerate(named)
        )
    )


def now(ims: Ims) -> int:
    """The emulator's time in milliseconds, as it stamps a trace."""
    [trace_id] = ims.put_traces({"project_id": OTHER_PROJECT})
    return int(next(t["time"] for t in ims.control("GET", "traces")["traces"] if t["trace_id"] == trace_id))


def test_what_is_published_can_be_queried(ims: Ims) -> None:
    """The same traces, the newest first, without the project, which the query names."""
    ims.settings(trace_tagging="addTag")
    ims.api("POST", "/v2/images", json={"name": "a"})
    image_id = ims.job(ims.create("b"))["entities"]["image_id"]
    ims.copy(image_id, "c")
    ims.api("PUT", "/v1/cloudimages/tags", json={"image_id": image_id, "tag": "k.v"})
    ims.api("DELETE", f"/v2/{ims.project_id}/images/{image_id}/tags/k")
    ims.api("DELETE", f"/v2/images/{image_id}")

    found = traces(ims)

    published = [event["data"] for event in reversed(ims.events())]
    assert all(trace.pop("project_id") == ims.project_id for trace in published)
    assert sorted(found, key=str) == sorted(published, key=str)
    assert [trace["time"] for trace in found] == sorted((trace["time"] for trace in found), reverse=True)
    assert [trace["trace_name"] for trace in reversed(found)] == [
        "createImage",
        *["createImage"] * 2,
        *["copyImage"] * 2,
        "addTag",
        "deleteTag",
        "deleteImage",
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, "dcba", id="none"),
        pytest.param({"trace_type": "system", "tracker_name": "system"}, "dcba", id="management"),
        pytest.param({"trace_type": "data"}, "", id="data"),
        pytest.param({"service_type": "IMS"}, "dba", id="service"),
        pytest.param({"resource_type": "image"}, "b", id="resource type"),
        pytest.param({"resource_id": "1"}, "a", id="resource id"),
        pytest.param({"resource_name": "d"}, "d", id="resource name"),
        pytest.param({"user": "grace"}, "b", id="user"),
        pytest.param({"trace_name": "createImage"}, "cba", id="name"),
        pytest.param({"trace_rating": "warning"}, "a", id="rating"),
        pytest.param({"service_type": "IMS", "resource_id": "1", "user": "grace"}, "", id="all of them"),
    ],
)
def test_traces_are_found_by_filters(ims: Ims, query: dict[str, str], expected: str) -> None:
    """Every filter has to fit; nothing found is an empty list."""
    put(ims, "a", resource_id="1", trace_rating="warning", user=None)
    put(ims, "b", resource_type="image", user={"name": "grace"})
    put(ims, "c", service_type="ECS")
    put(ims, "d", trace_name="deleteImage")
    put(ims, "e", project_id=OTHER_PROJECT)

    assert sorted(names(ims, **query)) == sorted(expected)


def test_a_trace_id_makes_everything_else_void(ims: Ims) -> None:
    """One that is not there is a 404."""
    first, _ = put(ims, "a", "b")

    assert names(ims, trace_id=first, resource_name="b", next="none") == ["a"]
    assert ims.api("GET", PATH, params={"trace_id": "none"}).status_code == 404


def test_the_last_hour_is_what_a_query_looks_at(ims: Ims) -> None:
    """`from` and `to` look at other times, and leave out the moments themselves."""
    ims.put_traces({"resource_name": "older", "time": (now(ims) - (HOUR + 60) * 1000)})
    ids = put(ims, "a", "b", "c")
    [a, _, c] = [trace["time"] for trace in reversed(traces(ims))]

    assert len(ids) == 3
    assert names(ims) == ["c", "b", "a"]
    assert names(ims, from_=a, to=c) == ["b"]
    assert names(ims, from_=0, to=a) == ["older"]


def test_a_query_gives_ten_traces_and_200_at_most(ims: Ims) -> None:
    """As documented."""
    put(ims, *map(str, range(201)))

    assert answer(ims)["meta_data"]["count"] == len(answer(ims)["traces"]) == 10
    assert answer(ims, limit=200)["meta_data"]["count"] == 200


@pytest.mark.parametrize("doubles", [0, 1])
def test_a_marker_pages_through_all(ims: Ims, doubles: float) -> None:
    """Newest first, to a marker that is null; a trace that is there twice does not hold it up."""
    ims.trace_settings(doubles=doubles)
    for name in "abcde":
        ims.api("POST", "/v2/images", json={"name": name})

    for limit in (1, 2):
        page = answer(ims, limit=limit)
        pages = [page]
        while page["meta_data"]["marker"] is not None:
            page = answer(ims, limit=limit, next=page["meta_data"]["marker"])
            pages.append(page)
        found = [trace["resource_name"] for page in pages for trace in page["traces"]]
        assert list(dict.fromkeys(found)) == list("edcba")
        assert [page["meta_data"]["count"] for page in pages] == [len(page["traces"]) for page in pages]


def test_a_marker_is_cut_with_the_window(ims: Ims) -> None:
    """What is older than the marker and within the times."""
    _, _, c, _ = put(ims, "a", "b", "c", "d")
    first = traces(ims)[-1]["time"]

    assert names(ims, next=c) == ["b", "a"]
    assert names(ims, next=c, from_=first, to=now(ims)) == ["b"]
    assert names(ims, next=c, from_=0, to=first) == []


def test_the_last_page_can_have_a_marker(ims: Ims) -> None:
    """As the reference's own sample has; the page after it is empty."""
    ims.trace_settings(marker_on_last_page=True)
    a, b = put(ims, "a", "b")

    assert answer(ims, limit=2)["meta_data"] == {"count": 2, "marker": a}
    assert answer(ims, limit=2, next=a) == {"meta_data": {"count": 0, "marker": None}, "traces": []}
    assert answer(ims, limit=1)["meta_data"]["marker"] == b


def test_traces_are_forgotten_after_seven_days(ims: Ims) -> None:
    """Which a clock that is ahead shows."""
    put(ims, "a")
    everything = {"from_": 0, "to": now(ims) + 30 * DAY * 1000}

    ims.settings(clock_ahead=7 * DAY - HOUR)
    assert (names(ims), names(ims, **everything)) == ([], ["a"])
    ims.settings(clock_ahead=7 * DAY + HOUR)
    assert names(ims, **everything) == []


def test_traces_can_come_late(ims: Ims) -> None:
    """Then a trace is not to be seen, and has its own time when it is."""
    ims.trace_settings(delay=HOUR / 2)
    ims.api("POST", "/v2/images", json={"name": "a"})
    [published] = ims.events()
    assert names(ims) == []

    ims.settings(clock_ahead=HOUR / 2 + 1)

    [trace] = traces(ims)
    assert trace["time"] == published["data"]["time"]


def test_traces_can_be_lost_and_doubled(ims: Ims) -> None:
    """Those that a seed says; the bus is told of every one."""
    found = []
    for _ in range(2):
        ims.reset()
        ims.trace_settings(loss=0.3, doubles=0.3, seed=3)
        for number in range(50):
            ims.api("POST", "/v2/images", json={"name": str(number)})
        found.append(names(ims))

    assert found[0] == found[1]
    counts = [found[0].count(str(number)) for number in range(50)]
    assert set(counts) == {0, 1, 2}
    assert len(ims.events()) == 50


def test_traces_can_be_off(ims: Ims) -> None:
    """A query finds nothing, and what happens then is not remembered."""
    put(ims, "a")

    ims.trace_settings(on=False)
    ims.api("POST", "/v2/images", json={"name": "b"})

    assert answer(ims) == {"meta_data": {"count": 0, "marker": None}, "traces": []}
    ims.trace_settings(on=True)
    assert names(ims) == ["a"]


def test_bodies_come_as_text_or_as_objects(ims: Ims) -> None:
    """The reference has both on one page."""
    ims.api("POST", "/v2/images", json={"name": "a"})
    [text] = traces(ims)
    assert (type(text["request"]), type(text["response"]), text["code"]) == (str, str, "201")

    ims.trace_settings(bodies="objects")

    [objects] = traces(ims)
    assert (objects["request"]["name"], objects["response"]["name"], objects["code"]) == ("a", "a", 201)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"from": 1},
        {"to": 1},
        {"from": "2026-01-05", "to": 1},
        {"trace_type": "all"},
        {"next": "none"},
    ],
    ids=str,
)
def test_a_wrong_query_is_refused(ims: Ims, query: dict[str, Any]) -> None:
    """In the form of this service."""
    response = ims.api("GET", PATH, params=query)

    assert (response.status_code, response.json().keys()) == (400, {"error_code", "error_msg"})
    assert response.json()["error_code"] == "CTS.0003"


def test_a_filter_that_is_not_emulated_is_not_ignored(ims: Ims) -> None:
    """501 names it."""
    response = ims.api("GET", PATH, params={"colour": "red"})

    assert response.status_code == 501
    assert "colour" in response.text


def test_only_traces_of_the_own_project_can_be_queried(ims: Ims) -> None:
    """Another project's are refused."""
    response = ims.api("GET", f"/v3/{OTHER_PROJECT}/traces")

    assert (response.status_code, response.json()["error_code"]) == (403, "CTS.0013")


@pytest.mark.parametrize(
    "given",
    [{"traces": {}}, {"traces": [{"time": "now"}]}, {"traces": [{"project_id": 1}]}, {"trace": []}],
    ids=str,
)
def test_nonsense_is_named(ims: Ims, given: object) -> None:
    """400 with one sentence."""
    response = ims.api("POST", "/_emulator/traces", json=given)

    assert (response.status_code, "traces" in response.json()["error"]) == (400, True)


@pytest.mark.parametrize(("code", "status"), [("CTS.0300", 400), ("CTS.0005", 500)])
def test_a_scripted_failure_has_the_form_of_this_service(ims: Ims, code: str, status: int) -> None:
    """With the documented status of its code."""
    ims.fault(match={"path": PATH}, times=1, code=code)

    failed = ims.api("GET", PATH)

    assert (failed.status_code, failed.json().keys()) == (status, {"error_code", "error_msg"})
    assert failed.json()["error_code"] == code
    assert ims.api("GET", PATH).status_code == 200

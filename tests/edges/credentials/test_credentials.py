"""Passwords and keys in front of the emulator: how a token is got, renewed and refused."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from handlers.core.errors import (
    CredentialsRejected,
    PermissionDenied,
    TagApiError,
    TagApiUnavailable,
    Throttled,
    UnexpectedReply,
)
from tests.edges.credentials.conftest import OTHER, SECRET, Connect, failure, password, write
from tests.processes.emulator import Ims
from tests.processes.launch import eventually
from tests.support.log import Lines

LOGIN = "/v3/auth/tokens"


def keys(ims: Ims, **given: str) -> dict[str, str]:
    """Settings of a key that the cloud knows."""
    ims.put_key("AK", secret=SECRET, projects=[ims.project_id, OTHER])
    return {"OS_ACCESS_KEY": "AK", "OS_SECRET_KEY": SECRET} | given


def logins(ims: Ims) -> int:
    return len(ims.calls("POST", LOGIN))


# -- a password -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"PROJECTS": Ims.project_id}, id="project by id"),
        pytest.param({"PROJECTS": "", "OS_PROJECT_NAME": "eu-de"}, id="project by name"),
        pytest.param({"PROJECTS": "", "OS_TENANT_NAME": "eu-de"}, id="by its old name"),
    ],
)
def test_a_password_becomes_a_token_once(ims: Ims, connect: Connect, given: dict[str, str]) -> None:
    """One token serves all calls for a project."""
    api = connect(**password(ims), **given)
    images = [ims.image() for _ in range(3)]

    assert [write(api, image_id).failed for image_id in images] == [[], [], []]
    assert all(ims.tags(image_id) for image_id in images)
    assert logins(ims) == 1
    assert SECRET not in json.dumps(ims.calls())


def test_a_token_for_each_project(ims: Ims, connect: Connect) -> None:
    """The scope follows the project of the call."""
    api = connect(**password(ims), PROJECTS=f"{ims.project_id} {OTHER}")
    one, other = ims.image(), ims.image(project_id=OTHER)

    for _ in range(2):
        assert write(api, one, ims.project_id).failed == []
        assert write(api, other, OTHER).failed == []

    assert logins(ims) == 2


@pytest.mark.parametrize("how", ["expire_tokens", "revoke_tokens"])
def test_a_refused_token_is_renewed_once(ims: Ims, connect: Connect, log: Lines, how: str) -> None:
    """After 0307 as after 0301, and the call is made again; the log has nothing to tell."""
    api, image_id = connect(**password(ims)), ims.image()
    write(api, image_id)
    getattr(ims, how)()

    assert write(api, image_id).failed == []
    assert logins(ims) == 2
    assert [call["status"] for call in ims.calls("PUT")] == [204, 401, 204]
    assert log == []


def test_a_token_is_renewed_before_its_end(ims: Ims, connect: Connect) -> None:
    """No call has to be refused for it."""
    ims.identity(token_life=2)
    api, image_id = connect(**password(ims)), ims.image()

    def renewed() -> bool:
        assert write(api, image_id).failed == []
        return logins(ims) == 2

    eventually(renewed, "a second login")

    assert write(api, image_id).failed == []
    assert {call["status"] for call in ims.calls("PUT")} == {204}


def test_never_two_renewals(ims: Ims, connect: Connect, log: Lines) -> None:
    """A new token that is refused as well is the end for the event. No token can be locked: none pauses."""
    api, image_id = connect(**password(ims)), ims.image()
    write(api, image_id)
    ims.fault(code="APIG.0301", match={"path": "/v1/"})

    errors = [failure(write(api, image_id)) for _ in range(5)]

    assert {type(error) for error in errors} == {CredentialsRejected}
    assert [error.status for error in errors] == [401] * 5
    assert (logins(ims), len(ims.calls("PUT"))) == (1 + 5, 1 + 2 * 5)
    assert log == []


def test_a_wrong_password_is_tried_once(ims: Ims, connect: Connect, log: Lines) -> None:
    """Whatever the number of events and threads; the log says why, once."""
    api, image_id = connect(**password(ims, OS_PASSWORD="wrong")), ims.image()

    with ThreadPoolExecutor(16) as threads:
        writings = list(threads.map(lambda _: write(api, image_id), range(64)))

    assert {type(failure(writing)) for writing in writings} == {CredentialsRejected}
    assert (logins(ims), ims.calls("PUT")) == (1, [])
    [line] = log
    assert (line["message"], line["severity"]) == ("credentials.refused", "WARNING")
    assert "does not accept user, password" in line["detail"]


def test_a_password_that_is_changed_pauses_for_all_projects(ims: Ims, connect: Connect, log: Lines) -> None:
    """It was accepted for both, so that the refusal speaks against the password: one call finds out."""
    api = connect(**password(ims), PROJECTS=f"{ims.project_id} {OTHER}")
    images = {project_id: ims.image(project_id=project_id) for project_id in (ims.project_id, OTHER)}
    assert [write(api, image, project).failed for project, image in images.items()] == [[], []]
    ims.put_user("ada", password="changed", projects={ims.project_id: "eu-de", OTHER: "eu-de_other"})
    ims.revoke_tokens()

    errors = [failure(write(api, image, project)) for _ in range(3) for project, image in images.items()]

    assert [(type(error), error.status) for error in errors] == [
        (CredentialsRejected, status) for status in (401, 0, 0, 0, 0, 0)
    ]
    assert logins(ims) == 2 + 1
    assert [line["message"] for line in log] == ["credentials.refused"]


def test_a_wrong_project_pauses_alone(ims: Ims, connect: Connect, log: Lines) -> None:
    """Once the password was accepted for another: that one goes on, also when it needs a new token."""
    api = connect(**password(ims), PROJECTS=f"{ims.project_id} {OTHER}")
    ims.put_user("ada", password=SECRET, projects={ims.project_id: "eu-de"})
    one, other = ims.image(), ims.image(project_id=OTHER)
    assert write(api, one).failed == []

    assert [failure(write(api, other, OTHER)).status for _ in range(3)] == [401, 0, 0]
    ims.revoke_tokens()

    assert write(api, one).failed == []
    assert failure(write(api, other, OTHER)).status == 0
    assert logins(ims) == 3
    assert [line["message"] for line in log] == ["credentials.refused"]


@pytest.mark.parametrize("status", [400, 403])
def test_a_missing_right_begins_no_pause(ims: Ims, connect: Connect, log: Lines, status: int) -> None:
    """It says nothing of the password: the other project is served, and this one once it is granted."""
    api = connect(**password(ims), PROJECTS=f"{ims.project_id} {OTHER}")
    one, other = ims.image(), ims.image(project_id=OTHER)
    ims.fault(match={"path": LOGIN}, status=status, times=2)

    assert [failure(write(api, one)).status for _ in range(2)] == [status] * 2
    assert write(api, other, OTHER).failed == []
    assert write(api, one).failed == []
    assert log == []


def test_a_mended_password_ends_the_pause(ims: Ims, connect: Connect, tmp_path: Path) -> None:
    """The file is rewritten, and the next event goes through."""
    file = tmp_path / "password"
    file.write_text("wrong")
    api = connect(**password(ims, OS_PASSWORD="", OS_PASSWORD_FILE=str(file)))
    image_id = ims.image()
    assert type(failure(write(api, image_id))) is CredentialsRejected

    file.write_text(f"{SECRET}\n")

    assert write(api, image_id).failed == []


def test_an_agency_is_acted_as(ims: Ims, connect: Connect) -> None:
    """The user's own token, then the agency's for the project in the other account."""
    user = password(ims, OS_AGENCY_NAME="tagger", OS_AGENCY_DOMAIN_NAME="customer", PROJECTS=OTHER)
    ims.put_user("ada", password=SECRET, projects={})
    ims.put_agency("tagger", domain="customer", projects={OTHER: "eu-de"})
    api, image_id = connect(**user), ims.image(project_id=OTHER)

    assert write(api, image_id, OTHER).failed == []
    assert write(api, image_id, OTHER).failed == []
    assert logins(ims) == 2


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        pytest.param({"status": 400}, PermissionDenied, "user, domain, project", id="400"),
        pytest.param({"status": 401}, CredentialsRejected, "user, password, domain", id="401"),
        pytest.param({"status": 403}, PermissionDenied, "act for the project", id="403"),
        pytest.param({"status": 404}, UnexpectedReply, "check OS_AUTH_URL", id="404"),
        pytest.param({"status": 429}, Throttled, "throttles", id="429"),
        pytest.param({"status": 500}, TagApiUnavailable, "a fault of its own", id="500"),
        pytest.param({"status": 503}, TagApiUnavailable, "a fault of its own", id="503"),
        pytest.param({"status": 200, "body": "<p>"}, UnexpectedReply, "check OS_AUTH_URL", id="a page"),
        pytest.param({"status": 201, "body": "{}"}, UnexpectedReply, "check OS_AUTH_URL", id="no token"),
        pytest.param(
            {"status": 201, "body": "{}", "headers": {"X-Subject-Token": "t"}},
            *(UnexpectedReply, "does not say when they end"),
            id="no end",
        ),
        pytest.param(
            {"status": 302, "headers": {"Location": "/"}}, UnexpectedReply, "OS_AUTH_URL", id="redirect"
        ),
        pytest.param({"transport": "close"}, TagApiUnavailable, "the identity service was not", id="closed"),
    ],
)
def test_each_answer_of_the_identity_service_is_an_error(
    ims: Ims, connect: Connect, fault: dict[str, Any], error: type[TagApiError], words: str
) -> None:
    """None of them is the event's fault alone; the words name what to look at."""
    ims.fault(match={"path": LOGIN}, **fault)

    raised = failure(write(connect(**password(ims)), ims.image()))

    assert type(raised) is error
    assert words in str(raised)
    assert ims.calls("PUT") == []


# -- keys -------------------------------------------------------------------------------------------


def test_keys_name_the_project(ims: Ims, connect: Connect) -> None:
    """One pair of keys serves several projects, each call naming its own."""
    api = connect(**keys(ims), PROJECTS=f"{ims.project_id} {OTHER}")
    one, other = ims.image(), ims.image(project_id=OTHER)

    assert write(api, one, ims.project_id).failed == []
    assert write(api, other, OTHER).failed == []
    assert [call["headers"]["X-Project-Id"] for call in ims.calls("PUT")] == [ims.project_id, OTHER]


def test_temporary_keys_send_their_token(ims: Ims, connect: Connect) -> None:
    """With it they are accepted, without it not."""
    given = keys(ims)
    ims.put_key("AK", secret=SECRET, security_token="canary-token")
    image_id = ims.image()

    assert type(failure(write(connect(**given), image_id))) is CredentialsRejected
    assert write(connect(**given, OS_SECURITY_TOKEN="canary-token"), image_id).failed == []


@pytest.mark.parametrize("wrong", [{"OS_SECRET_KEY": "wrong"}, {"OS_ACCESS_KEY": "none"}], ids="+".join)
def test_a_wrong_key_is_tried_once(ims: Ims, connect: Connect, log: Lines, wrong: dict[str, str]) -> None:
    """Sixteen threads cost one failure, since nobody calls beside the first until it is accepted."""
    api, image_id = connect(**keys(ims) | wrong), ims.image()

    with ThreadPoolExecutor(16) as threads:
        writings = list(threads.map(lambda _: write(api, image_id), range(200)))

    assert {type(failure(writing)) for writing in writings} == {CredentialsRejected}
    assert len(ims.calls("PUT")) == 1
    assert [line["message"] for line in log] == ["credentials.refused"]


@pytest.mark.parametrize("mended_during_the_call", [True, False], ids=["at once", "later"])
def test_a_mended_key_ends_the_pause(
    ims: Ims, connect: Connect, tmp_path: Path, *, mended_during_the_call: bool
) -> None:
    """Found when the old one is refused or, during the pause, with the next event."""
    file = tmp_path / "secret"
    file.write_text("wrong")
    api = connect(**keys(ims, OS_SECRET_KEY="", OS_SECRET_KEY_FILE=str(file)))
    image_id = ims.image()
    if mended_during_the_call:
        ims.fault(delay=0.3, times=1)
        threading.Timer(0.1, lambda: file.write_text(SECRET)).start()
    else:
        assert type(failure(write(api, image_id))) is CredentialsRejected
        file.write_text(SECRET)

    assert write(api, image_id).failed == []
    assert [call["status"] for call in ims.calls("PUT")] == [401, 204]


@pytest.mark.parametrize(("ahead", "words"), [(1200, "20 minutes behind"), (-1200, "20 minutes ahead of")])
def test_a_wrong_clock_is_named(ims: Ims, connect: Connect, ahead: float, words: str) -> None:
    """By the API's own `Date`, so that nobody looks for the fault in the keys."""
    ims.settings(clock_ahead=ahead)

    error = failure(write(connect(**keys(ims)), ims.image()))

    assert (type(error), error.code) == (CredentialsRejected, "APIG.0303")
    assert f"the clock here is {words} the tag API's" in str(error)


def test_a_refusal_by_ims_itself_is_no_failure_of_the_key(ims: Ims, connect: Connect) -> None:
    """The gateway, which counts them, let the call pass: there is no pause."""
    api, image_id = connect(**keys(ims)), ims.image()
    ims.fault(code="IMG.0030", message="no", shape="ims", status=400, times=3)

    assert [failure(write(api, image_id)).status for _ in range(3)] == [400] * 3
    assert write(api, image_id).failed == []

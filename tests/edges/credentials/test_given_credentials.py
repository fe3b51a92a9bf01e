"""Credentials that somebody else renews: a given token, FunctionGraph's and the machine's."""

import time
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest

from handlers.core.errors import CredentialsRejected, TagApiUnavailable
from handlers.edges.bootstrap import tag_api_for
from handlers.edges.settings import EcsAgency, Settings
from handlers.edges.tag_api import TagApi
from tests.edges.credentials.conftest import SECRET, Connect, failure, password, write
from tests.processes.emulator import Ims
from tests.processes.launch import free_port
from tests.support.log import Lines

# -- a given token ----------------------------------------------------------------------------------


def test_a_given_token_has_no_pause(ims: Ims, connect: Connect, log: Lines) -> None:
    """It cannot be locked, and whoever replaces it is not kept waiting."""
    api, image_id = connect(OS_TOKEN="wrong"), ims.image()

    assert [failure(write(api, image_id)).status for _ in range(6)] == [401] * 6
    assert len(ims.calls("PUT")) == 6
    assert log == []


def test_a_given_token_file_is_read_anew(ims: Ims, connect: Connect, tmp_path: Path) -> None:
    """Without a restart."""
    file = tmp_path / "token"
    file.write_text("wrong")
    api, image_id = connect(OS_TOKEN_FILE=str(file)), ims.image()
    assert failure(write(api, image_id)).status == 401

    file.write_text(ims.token)

    assert write(api, image_id).failed == []


# -- FunctionGraph ----------------------------------------------------------------------------------

SENT = {
    "x-cff-security-access-key": "AK",
    "x-cff-security-secret-key": SECRET,
    "x-cff-security-token": "canary-token",
}
"""Headers, names in lower case."""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(SENT, id="keys"),
        pytest.param(SENT | {"x-cff-auth-token": "other"}, id="keys before the token"),
        pytest.param({"x-cff-auth-token": Ims.token}, id="token"),
        pytest.param(dict.fromkeys(SENT, "null") | {"x-cff-auth-token": Ims.token}, id="the word null"),
    ],
)
def test_credentials_of_a_request_are_used_for_it(
    ims: Ims, connect: Connect, headers: dict[str, str]
) -> None:
    """Keys, else the token."""
    ims.put_key("AK", secret=SECRET, security_token="canary-token")

    assert write(connect(headers, CREDENTIALS="functiongraph"), ims.image()).failed == []


def test_credentials_of_a_request_mean_nothing_unless_they_are_asked_for(ims: Ims, connect: Connect) -> None:
    """Whoever sends events would choose who the function is."""
    assert write(connect(SENT, OS_TOKEN=ims.token), ims.image()).failed == []
    assert "Authorization" not in ims.calls("PUT")[0]["headers"]


@pytest.mark.parametrize("headers", [{}, dict.fromkeys(SENT, "null"), dict.fromkeys(SENT, " ")], ids=str)
def test_a_request_without_credentials_is_retried(
    ims: Ims, connect: Connect, headers: dict[str, str]
) -> None:
    """A new agency takes minutes; the words say what to set."""
    error = failure(write(connect(headers, CREDENTIALS="functiongraph"), ims.image()))

    assert type(error) is CredentialsRejected
    assert "include keys" in str(error)
    assert ims.calls() == []


def test_credentials_of_a_request_are_not_kept(ims: Ims, log: Lines) -> None:
    """Not for the next request, and not in anything that outlives the request."""
    ims.put_key("AK", secret=SECRET, security_token="canary-token")
    given = {"IMS_ENDPOINT": ims.url, "PROJECTS": ims.project_id, "CREDENTIALS": "functiongraph"}
    tag_api = tag_api_for(Settings.from_environ(given), log)
    image_id = ims.image()

    assert write(tag_api(SENT), image_id).failed == []
    assert type(failure(write(tag_api({}), image_id))) is CredentialsRejected
    refused = [write(tag_api({**SENT, "x-cff-security-token": "old"}), image_id) for _ in range(3)]

    assert [failure(writing).status for writing in refused] == [401, 0, 0]
    assert SECRET not in str(reachable(tag_api))


def reachable(function: Any) -> list[Any]:
    """What closures, attributes and the frames of kept exceptions hold, all the way down."""
    found: list[Any] = []
    todo = [function]
    while todo:
        held = todo.pop()
        if any(held is known for known in found):
            continue
        found.append(held)
        todo += [cell.cell_contents for cell in getattr(held, "__closure__", None) or ()]
        todo += vars(held).values() if hasattr(held, "__dict__") and not isinstance(held, type) else []
        trace = getattr(held, "__traceback__", None)
        todo += [frame.f_locals for frame, _ in walk_tb(trace)] if trace else []
        todo += held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else []
    return found


# -- the machine's agency ---------------------------------------------------------------------------


@pytest.fixture
def machine(ims: Ims, log: Lines) -> TagApi:
    """The tag API with the keys of a machine, whose metadata service is the emulator's."""
    ims.put_key("AK-1", secret="one", security_token="t-1", ends_at=time.time() + 3600)
    ims.identity(machine_key="AK-1")
    given = {"IMS_ENDPOINT": ims.url, "PROJECTS": ims.project_id, "CREDENTIALS": "ecs"}
    settings = Settings.from_environ(given)._replace(credentials=EcsAgency(f"{ims.url}/machine"))
    return tag_api_for(settings, log)({})


@pytest.mark.parametrize("metadata_tokens", [True, False])
def test_keys_of_a_machine_are_fetched_once(ims: Ims, machine: TagApi, *, metadata_tokens: bool) -> None:
    """With a token of the metadata service where it has some."""
    ims.identity(metadata_tokens=metadata_tokens)
    image_id = ims.image()

    assert [write(machine, image_id).failed for _ in range(3)] == [[], [], []]
    assert len(ims.calls("GET", "/machine")) == 1


def test_rotated_keys_of_a_machine_are_fetched_again(ims: Ims, machine: TagApi, log: Lines) -> None:
    """Once the old ones are refused; the event is tagged, and the log has nothing to tell."""
    image_id = ims.image()
    write(machine, image_id)
    ims.control("DELETE", "keys/AK-1")
    ims.put_key("AK-2", secret="two", security_token="t-2", ends_at=time.time() + 3600)
    ims.identity(machine_key="AK-2")

    assert write(machine, image_id).failed == []
    assert [call["status"] for call in ims.calls("PUT", "/v1")] == [204, 401, 204]
    assert log == []


def test_refused_keys_of_a_machine_pause(ims: Ims, machine: TagApi, log: Lines) -> None:
    """Where there are no others, neither IMS nor the metadata service is asked for every event."""
    image_id = ims.image()
    write(machine, image_id)
    ims.fault(code="APIG.0301", match={"path": "/v1"})

    assert [failure(write(machine, image_id)).status for _ in range(5)] == [401, 0, 0, 0, 0]
    assert len(ims.calls("PUT", "/v1")) == 2
    assert len(ims.calls("GET", "/machine")) == 2
    assert [line["message"] for line in log] == ["credentials.refused"]


def test_a_machine_without_agency_is_told(ims: Ims, machine: TagApi) -> None:
    """It is a fault that somebody can mend."""
    ims.identity(machine_key=None)

    error = failure(write(machine, ims.image()))

    assert (type(error), "has no agency" in str(error)) == (CredentialsRejected, True)


def test_a_metadata_service_that_hangs_costs_seconds(ims: Ims, machine: TagApi) -> None:
    """Its own short time-out ends the wait, not that of the event."""
    ims.fault(delay=9, match={"path": "/machine"})
    began = time.monotonic()

    error = failure(write(machine, ims.image(), within=20))

    assert type(error) is TagApiUnavailable
    assert time.monotonic() - began < 4


def test_nobody_there(ims: Ims, connect: Connect) -> None:
    """An identity service that cannot be reached is named with its setting."""
    given = password(ims, OS_AUTH_URL=f"http://127.0.0.1:{free_port()}")

    error = failure(write(connect(**given), ims.image()))

    assert type(error) is TagApiUnavailable
    assert "check OS_AUTH_URL" in str(error)

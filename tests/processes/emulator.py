"""The IMS emulator as a fixture: `ims`, one process a test session, back at the start for each test."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from deploy.local.ims.state import PROJECT_ID
from tests.support.paths import ROOT

SECRETS = ("canary", "issued-", "Signature=")
"""What every secret of the tests begins with, the tokens that the emulator issues, and signatures.

No line that a function logs, no reply and no output of a command may hold any of it, in the whole run.
"""


class Ims:
    """The emulator as a process on a free port; its methods speak to the control plane."""

    token = "canary-token-of-the-tests"
    project_id = PROJECT_ID

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.ims", "--token", self.token, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        name, _, self.url = line.strip().partition(": ")
        assert name == "IMS emulator", f"the emulator did not start, it said {line!r}"
        self._session = requests.Session()
        self._session.trust_env = False

    def stop(self) -> int:
        """End the process and give its exit code."""
        self._session.close()
        self.process.terminate()
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def api(self, method: str, path: str, token: str = token, **options: Any) -> requests.Response:
        """A call of the emulated API itself."""
        headers = {"X-Auth-Token": token} | options.pop("headers", {})
        return self._session.request(method, self.url + path, headers=headers, timeout=10, **options)

    def control(self, method: str, path: str, given: object = None) -> Any:
        response = self._session.request(method, f"{self.url}/_emulator/{path}", json=given, timeout=10)
        assert response.ok, response.text
        return response.json() if response.content else None

    def reset(self) -> None:
        self.control("POST", "reset")

    def image(self, **given: Any) -> str:
        """Put an image into the state and give its id; by default private, active, without tags."""
        return str(self.control("POST", "images", given)["id"])

    def images(self, images: list[dict[str, Any]]) -> list[str]:
        """Put many images into the state in one call and give their ids."""
        return list(self.control("POST", "images/batch", {"images": images})["ids"])

    def create(self, *names: str) -> str:
        """Have the cloud create an image from a server, or several from disks; the id of the job."""
        source = str(uuid4())
        body: dict[str, Any] = {"name": names[0], "instance_id": source}
        if len(names) > 1:
            body = {"data_images": [{"name": name, "volume_id": source} for name in names]}
        response = self.api("POST", "/v2/cloudimages/action", json=body)
        assert response.ok, response.text
        return str(response.json()["job_id"])

    def copy(self, image_id: str, name: str, **given: str) -> str:
        """Have the cloud copy an image within its region; the id of the job."""
        response = self.api("POST", f"/v1/cloudimages/{image_id}/copy", json={"name": name} | given)
        assert response.ok, response.text
        return str(response.json()["job_id"])

    def put_server(self, server_id: str, image_id: str) -> None:
        """Which image a server was made from."""
        self.control("PUT", f"servers/{server_id}", {"image_id": image_id})

    def job(self, job_id: str) -> dict[str, Any]:
        response = self.api("GET", f"/v1/{self.project_id}/jobs/{job_id}")
        assert response.ok, response.text
        return dict(response.json())

    def tags(self, image_id: str) -> dict[str, str]:
        return dict(self.control("GET", f"images/{image_id}")["tags"])

    def fault(self, **script: Any) -> int:
        """Script a fault and give its id; the fields are those of `deploy.local.ims.gateway.faults.Fault`."""
        return int(self.control("POST", "faults", script)["id"])

    def faults(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "faults")["faults"])

    def lift_faults(self) -> None:
        self.control("DELETE", "faults")

    def limit_rate(self, calls_per_second: float | None, retry_after: float | None = None) -> None:
        self.control("PUT", "rate-limit", {"calls_per_second": calls_per_second, "retry_after": retry_after})

    def rate(self) -> dict[str, Any]:
        """The limit in force, and how many calls were answered and limited under it."""
        return dict(self.control("GET", "rate-limit"))

    def settings(self, **changed: Any) -> None:
        """Those of `deploy.local.ims.state.Settings`."""
        self.control("PUT", "settings", changed)

    def put_traces(self, *traces: dict[str, Any]) -> list[str]:
        """Have Cloud Trace Service remember these, and give their ids."""
        return list(self.control("POST", "traces", {"traces": traces})["ids"])

    def trace_settings(self, **changed: Any) -> None:
        """Those of `deploy.local.ims.state.traces.TraceSettings`."""
        self.control("PUT", "traces/settings", changed)

    def put_token(self, token: str, **given: Any) -> None:
        """`user`, `project_id`, `expired`."""
        self.control("PUT", f"tokens/{token}", given)

    def drop_token(self, token: str) -> None:
        self.control("DELETE", f"tokens/{token}")

    def put_user(self, name: str, **given: Any) -> None:
        """`password`, `domain`, `projects` with their names by id."""
        self.control("PUT", f"users/{name}", given)

    def put_agency(self, name: str, **given: Any) -> None:
        """`domain`, `projects`."""
        self.control("PUT", f"agencies/{name}", given)

    def put_key(self, access: str, **given: Any) -> None:
        """`secret`, `security_token`, `projects`, `ends_at` in seconds since the epoch."""
        self.control("PUT", f"keys/{access}", given)

    def key(self, access: str) -> dict[str, Any]:
        """Its failures `in_a_row`, and until when it is locked."""
        return dict(self.control("GET", f"keys/{access}"))

    def identity(self, **changed: Any) -> None:
        """Those of `deploy.local.ims.state.identity.Settings`."""
        self.control("PUT", "identity", changed)

    def expire_tokens(self) -> None:
        """Those that were issued for a password."""
        self.control("POST", "issued-tokens/expire")

    def revoke_tokens(self) -> None:
        self.control("DELETE", "issued-tokens")

    def calls(self, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """The calls received, oldest first: those of a method, those whose path begins so."""
        calls = self.control("GET", "calls")["calls"]
        return [call for call in calls if call["method"].startswith(method) and call["path"].startswith(path)]

    def events(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "events")["events"])


@pytest.fixture(scope="session")
def ims_process() -> Iterator[Ims]:
    emulator = Ims()
    yield emulator
    emulator.stop()


@pytest.fixture
def ims(ims_process: Ims) -> Ims:
    """The emulator at its start: no images, one token, no faults, no limits of calls."""
    ims_process.reset()
    return ims_process

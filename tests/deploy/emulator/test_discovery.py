"""The IMS emulator tells clients where its services are, and in which versions."""

from typing import Any

import pytest
import requests

from tests.processes.emulator import Ims


def get(ims: Ims, path: str) -> requests.Response:
    """Without a token."""
    return requests.get(ims.url + path, timeout=5)


def test_the_versions_of_the_image_service(ims: Ims) -> None:
    """At the root, with 300 and links to themselves, as documented."""
    reply = get(ims, "/")

    versions = reply.json()["versions"]
    assert reply.status_code == 300
    assert [version["id"] for version in versions if version["status"] == "CURRENT"] == ["v2.2"]
    assert {link["href"] for version in versions for link in version["links"]} == {
        f"{ims.url}/v1/",
        f"{ims.url}/v2/",
    }


@pytest.mark.parametrize(("path", "name"), [("/v2.0", "v2.0"), ("/v2", "v2.2"), ("/v2/", "v2.2")])
def test_one_version_of_the_image_service(ims: Ims, path: str, name: str) -> None:
    """By its own name, and by the one that links have."""
    reply = get(ims, path)

    assert (reply.status_code, [version["id"] for version in reply.json()["versions"]]) == (300, [name])


def test_an_unknown_version_is_not_there(ims: Ims) -> None:
    """404."""
    assert get(ims, "/v2.9").status_code == 404


@pytest.mark.parametrize("path", ["/v3", "/v3/"])
def test_the_version_of_the_identity_service(ims: Ims, path: str) -> None:
    """As documented."""
    version = get(ims, path).json()["version"]

    assert (version["id"], version["status"]) == ("v3.6", "stable")
    assert version["links"] == [{"rel": "self", "href": f"{ims.url}/v3/"}]


def urls(catalog: list[dict[str, Any]]) -> dict[str, str]:
    return {service["type"]: service["endpoints"][0]["url"] for service in catalog}


def test_a_token_comes_with_a_catalog(ims: Ims) -> None:
    """The same that can be asked for, with the project where a real one has it."""
    ims.put_user("ada", password="canary-word")
    user = {"name": "ada", "password": "canary-word", "domain": {"name": "example"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": "eu-de", "domain": {"name": "example"}}}
    issued = ims.api("POST", "/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})

    asked = ims.api("GET", "/v3/auth/catalog", token=issued.headers["X-Subject-Token"])

    assert urls(issued.json()["token"]["catalog"]) == {
        "image": ims.url,
        "identity": f"{ims.url}/v3",
        "cts": f"{ims.url}/v1.0/{ims.project_id}",
        "ctsv2": f"{ims.url}/v2.0/{ims.project_id}",
        "ctsv3": f"{ims.url}/v3/{ims.project_id}",
    }
    assert asked.json()["catalog"] == issued.json()["token"]["catalog"]


def test_a_catalog_needs_a_token(ims: Ims) -> None:
    """401 as of any call."""
    assert get(ims, "/v3/auth/catalog").status_code == 401


def test_a_scope_with_the_domain_of_another_is_refused(ims: Ims) -> None:
    """A project belongs to an account."""
    ims.put_user("ada", password="canary-word")
    user = {"name": "ada", "password": "canary-word", "domain": {"name": "example"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": "eu-de", "domain": {"name": "another"}}}

    reply = ims.api("POST", "/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})

    assert reply.status_code == 401

"""Terraform for FunctionGraph, held to the arguments that the providers document."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.support.deploy_page import NOT_READY_WINDOW, longest_outage
from tests.support.paths import ROOT

CLOUDS = {"otc": "opentelekomcloud", "huaweicloud": "huaweicloud"}
FOLDERS = {
    "otc": ROOT / "deploy" / "functiongraph" / "otc",
    "huaweicloud": ROOT / "deploy" / "functiongraph" / "huaweicloud",
    "otc SMN": ROOT / "deploy" / "smn" / "otc",
}
DOCUMENTED = json.loads((ROOT / "tests" / "schemas" / "terraform.json").read_text(encoding="utf-8"))


def parsed(where: str) -> dict[str, Any]:
    return dict(plain(hcl2.loads((folder(where) / "main.tf").read_text(encoding="utf-8"))))


def folder(where: str) -> Path:
    return FOLDERS[where]


def plain(value: Any) -> Any:
    """What was parsed without quotes around texts, and without the parser's own marks."""
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items() if not re.fullmatch("__.*__", name)}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.strip('"') if isinstance(value, str) else value


def resources(cloud: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for each in parsed(cloud)["resource"]:
        for kind, named in each.items():
            for name, body in named.items():
                yield kind, name, body


def faults(
    arguments: dict[str, Any], documented: list[str], blocks: dict[str, list[str]], where: str
) -> list[str]:
    """What a resource has that the documentation does not, and what it lacks."""
    known = {line.partition(" ")[0]: line.endswith("(required)") for line in documented}
    found = [f"{where}.{name} is not documented" for name in arguments if name not in known]
    found += [
        f"{where}.{name} is missing" for name, needed in known.items() if needed and name not in arguments
    ]
    for name, value in arguments.items():
        if name in blocks:
            for block in value:
                found += faults(block, blocks[name], blocks, f"{where}.{name}")
    return found


def documented_for(cloud: str, kind: str) -> tuple[list[str], dict[str, list[str]]]:
    """Arguments and blocks of a kind of resource; repeats what the lists of the documentation leave to us."""
    entry = DOCUMENTED[CLOUDS[cloud.partition(" ")[0]]]["resources"][kind]
    arguments, blocks = entry["arguments"], dict(entry["blocks"])
    # The lists hold the arguments of these blocks beside those of the resource itself.
    if "async_invoke_config" in kind:
        inside = ["destination (required)", "param (required)"]
        arguments = [line for line in arguments if line not in inside]
        blocks |= {"on_failure": inside, "on_success": inside}
    if "event_notification" in kind:
        users = ["user_group (required)", "user_list (required)"]
        operations = ["service_type (required)", "resource_type (required)", "trace_names (required)"]
        arguments = [line for line in arguments if line not in users + operations]
        blocks |= {"notify_user_list": users, "operations": operations}
    # A note says of newer providers what the list of 2024 cannot.
    for note in DOCUMENTED["notes"]:
        if note.startswith(f"{kind}:"):
            arguments = [
                *arguments,
                *(f"{name} (optional)" for name in re.findall("also sets ([a-z_]+)", note)),
            ]
    return arguments, blocks


META = {"count", "lifecycle"}
"""Arguments that Terraform itself takes for every resource."""


@pytest.mark.parametrize("cloud", FOLDERS)
def test_arguments(cloud: str) -> None:
    """Every argument and block of every resource is documented, and none that must be there is missing."""
    found = []
    for kind, name, body in resources(cloud):
        arguments = {each: value for each, value in body.items() if each not in META}
        found += faults(arguments, *documented_for(cloud, kind), f"{kind}.{name}")
    assert found == []


def test_undocumented_argument() -> None:
    """An argument that does not exist is found, in a block too: this check can fail."""
    arguments, blocks = documented_for("otc", "opentelekomcloud_fgs_trigger_v2")
    assert faults({"typ": "CTS", "function_urn": "", "event_data": ""}, arguments, blocks, "it") == [
        "it.typ is not documented",
        "it.type is missing",
    ]
    arguments, blocks = documented_for("huaweicloud", "huaweicloud_fgs_async_invoke_configuration")
    assert "it.on_failure.param is missing" in faults(
        {"on_failure": [{"destination": "OBS"}]}, arguments, blocks, "it"
    )


@pytest.mark.parametrize("cloud", FOLDERS)
def test_variables(cloud: str) -> None:
    """Every variable that is used is declared with a description, and none is declared for nothing."""
    declared = plain(hcl2.loads((folder(cloud) / "variables.tf").read_text(encoding="utf-8")))["variable"]
    names = {name: body for each in declared for name, body in each.items()}
    assert all(body["description"].endswith(".") for body in names.values())
    assert {
        *re.findall(r"var\.(\w+)", (folder(cloud) / "main.tf").read_text(encoding="utf-8"))
    } == names.keys()


@pytest.mark.parametrize("cloud", FOLDERS)
def test_example_of_variables(cloud: str) -> None:
    """The example sets each variable that has no default, and names the others."""
    declared = plain(hcl2.loads((folder(cloud) / "variables.tf").read_text(encoding="utf-8")))["variable"]
    names = {name: body for each in declared for name, body in each.items()}
    text = (folder(cloud) / "terraform.tfvars.example").read_text(encoding="utf-8")
    required = {name for name, body in names.items() if "default" not in body and "sensitive" not in body}
    assert plain(hcl2.loads(text)).keys() == required
    everything = plain(hcl2.loads(re.sub("^# (?=[a-z}]|  [a-z])", "", text, flags=re.MULTILINE)))
    assert everything.keys() == names.keys()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_function(cloud: str) -> None:
    """A container on port 8000 with the agency's keys; retries, all together, as long as the page says."""
    local = parsed(cloud)["locals"][0]
    bodies = {kind.partition("_fgs_")[2]: body for kind, _, body in resources(cloud) if "_fgs_" in kind}
    function = bodies["function_v2" if cloud == "otc" else "function"]
    assert (function["runtime"], function["code_type"]) == ("Custom Image", "Custom-Image-Swr")
    assert function["enable_auth_in_header"] is True
    assert function["timeout"] == "${local.timeout}"
    settings = dict(re.findall(r'([A-Z_]+) = (?:"([^"]*)"|)', function["user_data"]))
    assert (settings["PORT"], settings["CREDENTIALS"]) == ("8000", "functiongraph")
    assert "INVOKE_RETRY_SECONDS = tostring(local.timeout - 30)" in function["user_data"]

    (calls,) = [body for kind, body in bodies.items() if kind.startswith("async_invoke_config")]
    assert calls["max_async_retry_attempts"] == "${local.retries}"
    assert calls["on_failure"][0]["destination"] == "OBS"
    outage = (1 + local["retries"]) * (local["timeout"] - 30)
    assert outage == longest_outage("FunctionGraph") > NOT_READY_WINDOW
    assert calls["max_async_event_age_in_seconds"] > (1 + local["retries"]) * local["timeout"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_least_rights(cloud: str) -> None:
    """The function may read and tag images, write failures below one bucket, and nothing else of ours."""
    text = (folder(cloud) / "main.tf").read_text(encoding="utf-8")
    assert {*re.findall(r'"([a-z]+:\w+:\w+)"', text)} == {
        "ims:images:get",
        "ims:images:update",
        "obs:object:PutObject",
    }
    assert '"OBS:*:*:object:${var.failures_bucket}/*"' in text

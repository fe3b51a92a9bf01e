"""What stands beside the code, as far as it can be held to something without its platform."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it ships no types
import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.nats.policy import LONGEST_BACK_OFF
from handlers.edges.log import LEVELS
from tests.container import instructions
from tests.emulator import Ims
from tests.function import ROOT, Function, created
from tests.operators_page import NOT_READY_WINDOW, PAGE, longest_outage

DEPLOY = ROOT / "deploy"
SCHEMAS = ROOT / "tests" / "schemas"
SCRIPTS = Path(sys.executable).parent

NO_MANIFESTS = {"kustomization.yaml", "generated-names.yaml", "alerts.yaml", "settings.yaml"}
"""Of kustomize, of Loki and of Cloud Run; `test_kustomize` builds with the first two."""


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DEPLOY.rglob("*.yaml")):
        if path.name not in NO_MANIFESTS:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield f"{path.parent.name}: {document['kind']} {document['metadata']['name']}", document


MANIFESTS = dict(manifests())


def strict(schema: Any) -> Any:
    """The schema with every object closed that has names, even where the API server leaves it open."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(each) for name, each in schema.items()}
    return {"additionalProperties": False} | schema if "properties" in schema else schema


def validate(document: dict[str, Any]) -> None:
    """Raises if a manifest is not what its definition says, unknown fields included."""
    group, _, version = document["apiVersion"].rpartition("/")
    path = SCHEMAS / "knative" / f"{group}-{version}-{document['kind']}.json"
    if not path.exists():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
        return
    schema = json.loads(path.read_text(encoding="utf-8"))
    # Definitions leave these to the API server.
    schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    Draft202012Validator(strict(schema)).validate(document)


@pytest.mark.parametrize("document", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_manifest(document: dict[str, Any]) -> None:
    """Each manifest is what the schema of its kind says, with no field that the schema does not know."""
    validate(document)


@pytest.mark.parametrize("kind", ["knative: Trigger image-tagger", "knative: Deployment dead-letters"])
def test_unknown_field(kind: str) -> None:
    """A field that is misspelt does not pass: this check can fail."""
    document = json.loads(json.dumps(MANIFESTS[kind]))
    document["spec"]["retrys"] = 3
    with pytest.raises(Exception, match="retrys"):
        validate(document)


def test_kustomize() -> None:
    """The base builds, its manifests are valid, and the function reads the rules that are tested here."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is needed to build with kustomize")
    command = re.search(r"^kubectl (kustomize .*) \| kubectl apply", PAGE, re.MULTILINE)
    assert command
    built = subprocess.run(["kubectl", *command[1].split()], cwd=ROOT, capture_output=True, check=True)
    documents = {
        f"{each['kind']} {each['metadata']['name']}": each for each in yaml.safe_load_all(built.stdout)
    }
    for document in documents.values():
        validate(document)
    service = documents["Service image-tagger"]["spec"]["template"]["spec"]
    assert service["containers"][0]["image"] == "registry.example.com/image-tagger:1"
    (rules,) = [each["configMap"]["name"] for each in service["volumes"] if "configMap" in each]
    shipped = (ROOT / "handlers" / "rules.toml").read_text(encoding="utf-8")
    assert documents[f"ConfigMap {rules}"]["data"] == {"rules.toml": shipped}


# --- retries


def test_retries_of_knative() -> None:
    """The waits of the trigger are in all what the page says, and longer than an event is young."""
    delivery = MANIFESTS["knative: Trigger image-tagger"]["spec"]["delivery"]
    assert (delivery["backoffPolicy"], delivery["backoffDelay"]) == ("exponential", "PT1S")
    # Knative, Trigger, `backoffDelay`: delay * 2 ^ number of retries; counted from 0, the shortest reading.
    waits = sum(2**number for number in range(delivery["retry"]))
    assert waits == longest_outage("Knative") > NOT_READY_WINDOW
    assert f"{waits} s" in (DEPLOY / "knative" / "events.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["kubernetes.yaml", "image-tagger-subscription.service"])
def test_retries_of_nats(where: str) -> None:
    """The shortest waits that chance can bring are in all what the page says, and long enough."""
    found = re.search(
        r'ATTEMPTS(?:=|\n +value: ")(\d+)', (DEPLOY / "nats" / where).read_text(encoding="utf-8")
    )
    assert found
    waits = sum(min(LONGEST_BACK_OFF, 2.0 ** (attempt - 1)) / 2 for attempt in range(1, int(found[1])))
    assert int(waits) == longest_outage("NATS") > NOT_READY_WINDOW


def test_retries_of_eventarc() -> None:
    """Pub/Sub delivers for as long as the page has it keep events."""
    days = re.search(r"--message-retention-duration (\d+)d", PAGE)
    assert days
    assert int(days[1]) * 86_400 == longest_outage("Cloud Run with Eventarc") > NOT_READY_WINDOW


# --- one number in several places


def test_at_once() -> None:
    """A platform sends as many events at once as the image has threads."""
    image = dict(
        line.split("=")
        for name, text in instructions(DEPLOY / "Dockerfile")
        if name == "ENV"
        for line in text.split()
    )
    service = MANIFESTS["knative: Service image-tagger"]["spec"]["template"]["spec"]
    huaweicloud = (DEPLOY / "functiongraph" / "huaweicloud" / "main.tf").read_text(encoding="utf-8")
    assert str(service["containerConcurrency"]) == image["THREADS"]
    assert re.search(rf"concurrency_num += {image['THREADS']} ", huaweicloud)
    assert f"--concurrency {image['THREADS']} " in PAGE


def test_names_of_settings() -> None:
    """Every setting that is set here is one that the function or its server reads."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "handlers" / "edges").rglob("*.py"))
    known = {*re.findall(r'"([A-Z][A-Z_]+)"', source), "HOST", "PORT", "WORKERS", "THREADS", "TMPDIR"}
    service = MANIFESTS["knative: Service image-tagger"]["spec"]["template"]["spec"]
    unit = (DEPLOY / "nginx" / "image-tagger.service").read_text(encoding="utf-8")
    terraform = "".join(path.read_text(encoding="utf-8") for path in DEPLOY.rglob("main.tf"))
    cloud_run = yaml.safe_load((DEPLOY / "cloud-run" / "settings.yaml").read_text(encoding="utf-8"))
    used = {
        *(each["name"] for each in service["containers"][0]["env"]),
        *re.findall(r"(?:^Environment=| )([A-Z_]+)=", unit, re.MULTILINE),
        *re.findall(r"^ +([A-Z_]+) +=", terraform, re.MULTILINE),
        *cloud_run,
    }
    assert {"OS_ACCESS_KEY_FILE", "INVOKE_RETRY_SECONDS", "EVENTS_TOKEN_FILE"} <= used
    assert {name for name in used if name.removesuffix("_FILE") not in known} == set()


# --- scripts, units, queries, the page itself


def test_nginx(tmp_path: Path) -> None:
    """An nginx takes the configuration that ships, with another certificate and folder of logs."""
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("nginx and openssl are needed to load a configuration")
    key, certificate = tmp_path / "image-tagger-key.pem", tmp_path / "image-tagger.pem"
    order = (
        f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=example.com"
    )
    subprocess.run([*order.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    shipped = (DEPLOY / "nginx" / "image-tagger.conf").read_text(encoding="utf-8")
    shipped = shipped.replace("/etc/nginx/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")
    configuration = tmp_path / "nginx.conf"
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in folders)
    text = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {temporary} {shipped} }}"
    configuration.write_text(text, encoding="utf-8")
    command = [nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(configuration)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("dockerfile", ["deploy/Dockerfile", "deploy/nats/Dockerfile"])
def test_hadolint(dockerfile: str) -> None:
    """Hadolint has nothing to say about a Dockerfile."""
    ran = subprocess.run(
        [str(SCRIPTS / "hadolint"), dockerfile], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def test_shellcheck() -> None:
    """Shellcheck has nothing to say about any script."""
    files = [
        path for folder in (".ci", "deploy", "tests") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    scripts = [
        path
        for path in files
        if path.suffix == ".sh" or path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    ]
    assert {"up", "environment.sh", "run", "lock"} <= {path.name for path in scripts}
    options = ["--shell=bash", "--external-sources", "--source-path=SCRIPTDIR/.."]
    command = [str(SCRIPTS / "shellcheck"), *options, *map(str, scripts)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("unit", sorted(DEPLOY.rglob("*.service")), ids=lambda unit: unit.name)
def test_unit(unit: Path, tmp_path: Path) -> None:
    """Systemd knows every line of a unit."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is needed to verify units")
    copy = tmp_path / unit.name
    copy.write_text(
        re.sub("ExecStart=/[^ ]*", f"ExecStart={sys.executable}", unit.read_text(encoding="utf-8"))
    )
    command = ["systemd-analyze", "verify", "--man=no", str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_queries(function: Function, ims: Ims) -> None:
    """The page's queries for jq answer their questions from the function's own log lines."""
    if not shutil.which("jq"):
        pytest.skip("jq is needed to run the queries")
    for number in range(3):
        function.structured(created(ims.image(), id=str(number)))
    function.structured(created("no-image-id"))
    log = "".join(json.dumps(line) + "\n" for line in function.lines())
    answers = [
        json.loads(
            subprocess.run(
                ["jq", "--null-input", query], input=log, capture_output=True, text=True, check=True
            ).stdout
        )
        for query in re.findall(r"^jq --null-input '([^']+)'$", PAGE, re.MULTILINE)
    ]
    outcomes, reasons, latency, age = answers
    assert outcomes == {"tagged": 3, "dead-letter": 1}
    assert reasons == {"InvalidEvent": 1}
    assert latency["count"] == 3
    assert 0 < latency["half"] <= latency["most"]
    assert age > 0


def test_sample_event(function: Function, ims: Ims) -> None:
    """The event that the page sends to see that all works gets tags, if its image is there."""
    samples = {*re.findall(r"""'({"image_id": .*})'""", PAGE)}
    assert len(samples) == 1
    data = json.loads(samples.pop())
    image_id = ims.image(id=data["image_id"])
    event = {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_source": "/me",
        "ce_type": "com.example.image.created",
    }
    reply = function.post(data, content_type="application/json", **event)
    assert reply.headers["Tagging-Outcome"] == "tagged"
    assert ims.tags(image_id)


def test_alerts() -> None:
    """Alerts ask for names and outcomes that the log lines have."""
    text = (DEPLOY / "alerts.yaml").read_text(encoding="utf-8")
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    assert all({"alert", "expr", "labels", "annotations"} <= rule.keys() for rule in rules)
    documented = (ROOT / "README.md").read_text(encoding="utf-8")
    documented += (DEPLOY / "nats" / "subscription.py").read_text(encoding="utf-8")
    for name in re.findall(r'(?:message|outcome) = "([^"]+)"', text):
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", documented), name
    assert {*re.findall('severity = "([^"]+)"', text)} <= {level.upper() for level in LEVELS}


def test_links() -> None:
    """Every file that the page names is there."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    named = re.findall(r"(?<![/\w])(deploy/[\w./-]+\w)", PAGE)
    assert links
    assert [link for link in links if not (DEPLOY / link.partition("#")[0]).exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []

"""What stands beside the code, as far as it can be held to something without its platform."""

import hmac
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it ships no types
import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.nats.policy import LONGEST_BACK_OFF
from handlers.core.outcomes import RETRY_AFTER_MAX
from tests.processes.container import instructions
from tests.processes.emulator import Ims
from tests.processes.function import Function, created
from tests.support.deploy_page import NOT_READY_WINDOW, PAGE, longest_outage
from tests.support.manifests import DEPLOY, MANIFESTS
from tests.support.paths import ROOT
from tests.support.settings_read import READ

SCHEMAS = ROOT / "tests" / "schemas"
SCRIPTS = Path(sys.executable).parent


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


def test_kustomize_with_more(tmp_path: Path) -> None:
    """The lines that can be uncommented add a lookup file to the rules, and what asks Cloud Trace Service."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is needed to build with kustomize")
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "handlers").mkdir()
    shutil.copy(ROOT / "handlers" / "rules.toml", tmp_path / "handlers")
    (tmp_path / "costs.csv").write_text("user,cost\n")
    base = tmp_path / "deploy" / "knative" / "kustomization.yaml"
    base.write_text(re.sub("# (?=- (?:costs|[.][.]))", "", base.read_text(encoding="utf-8")))
    command = ["kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone", str(base.parent)]
    built = subprocess.run(command, capture_output=True, check=True)
    documents = {
        f"{each['kind']} {each['metadata']['name']}": each for each in yaml.safe_load_all(built.stdout)
    }
    for document in documents.values():
        validate(document)
    job = documents["CronJob image-tagger-backfill"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (rules,) = [each["configMap"]["name"] for each in job["volumes"] if "configMap" in each]
    assert documents[f"ConfigMap {rules}"]["data"].keys() == {"rules.toml", "costs.csv"}
    replay = documents["Deployment image-tagger-replay"]["spec"]["template"]["spec"]["containers"][0]
    assert replay["image"] == "registry.example.com/image-tagger:1"


@pytest.mark.parametrize("kind", ["Deployment image-tagger-replay", "CronJob image-tagger-backfill"])
def test_what_asks_cloud_trace_service(kind: str) -> None:
    """Each command line is one that the commands take, and the settings are whole."""
    spec = MANIFESTS[f"replay: {kind}"]["spec"]
    (container,) = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]["containers"]
    environ = {each["name"]: each["value"] for each in container["env"]}
    assert environ.keys() <= READ
    script = container["command"][2] if container["command"][0] == "sh" else shlex.join(container["command"])
    for line in script.split(";"):
        program, name, *arguments = shlex.split(line)
        assert (program, name) == ("python", "main.py")
        ran = subprocess.run(
            [sys.executable, name, *arguments], cwd=ROOT, env={}, capture_output=True, text=True, check=False
        )
        assert ran.stderr.startswith("error: IMS_ENDPOINT is not set; ")


def test_keeper_of_dead_letters() -> None:
    """The keeper is the function's image and server with another target, and keeps letters in its volume."""
    (_, function) = [rest for name, rest in instructions(DEPLOY / "Dockerfile") if name in ("USER", "CMD")]
    spec = MANIFESTS["knative: Deployment dead-letters"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    *served, target = json.loads(function)
    assert [*container["command"], *container["args"]] == [*served, "keep_dead_letters"]
    assert target == "tag_created_image"
    env = {each["name"]: each["value"] for each in container["env"]}
    (mount,) = container["volumeMounts"]
    assert env["DEAD_LETTER_SINK"].startswith(f"file://{mount['mountPath']}/")
    (volume,) = spec["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == mount["name"] == "dead-letters"
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert probes == [{"path": "/healthz", "port": int(env["PORT"])}] * 3
    assert container["ports"] == [{"containerPort": int(env["PORT"])}]
    service = MANIFESTS["knative: Service dead-letters"]["spec"]
    assert service["ports"] == [{"port": 80, "targetPort": int(env["PORT"])}]


# --- retries


def test_retries_of_knative() -> None:
    """The waits of the trigger are in all what the page says, and longer than an event is young."""
    delivery = MANIFESTS["knative: Trigger image-tagger"]["spec"]["delivery"]
    assert (delivery["backoffPolicy"], delivery["backoffDelay"]) == ("exponential", "PT1S")
    # Knative, Trigger, `backoffDelay`: delay * 2 ^ number of retries; counted from 0, the shortest reading.
    waits = sum(2**number for number in range(delivery["retry"]))
    assert waits == longest_outage("Knative") > NOT_READY_WINDOW
    assert f"{waits} s" in (DEPLOY / "knative" / "events.yaml").read_text(encoding="utf-8")


def test_retry_after_of_knative() -> None:
    """The line that can be uncommented lets the longest wait pass that the function asks for."""
    text = (DEPLOY / "knative" / "events.yaml").read_text(encoding="utf-8")
    assert "retryAfterMax" not in MANIFESTS["knative: Trigger image-tagger"]["spec"]["delivery"]
    documents = yaml.safe_load_all(text.replace("# retryAfterMax:", "retryAfterMax:"))
    (delivery,) = [each["spec"]["delivery"] for each in documents if each["kind"] == "Trigger"]
    assert delivery["retryAfterMax"] == f"PT{RETRY_AFTER_MAX // 3600}H"


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


def test_names_of_settings() -> None:
    """Every setting that is set here is one that the function or its server reads."""
    known = {*READ, "HOST", "PORT", "WORKERS", "THREADS", "TMPDIR"}
    service = MANIFESTS["knative: Service image-tagger"]["spec"]["template"]["spec"]
    keeper = MANIFESTS["knative: Deployment dead-letters"]["spec"]["template"]["spec"]
    unit = (DEPLOY / "nginx" / "image-tagger.service").read_text(encoding="utf-8")
    terraform = "".join(path.read_text(encoding="utf-8") for path in DEPLOY.rglob("main.tf"))
    cloud_run = yaml.safe_load((DEPLOY / "cloud-run" / "settings.yaml").read_text(encoding="utf-8"))
    used = {
        *(each["name"] for each in service["containers"][0]["env"]),
        *(each["name"] for each in keeper["containers"][0]["env"]),
        *re.findall(r"(?:^Environment=| )([A-Z_]+)=", unit, re.MULTILINE),
        *re.findall(r"^ +([A-Z_]+) +=", terraform, re.MULTILINE),
        *cloud_run,
    }
    assert {"OS_ACCESS_KEY_FILE", "INVOKE_RETRY_SECONDS", "EVENTS_TOKEN_FILE"} <= used
    assert used - known == set()


# --- scripts, units, queries, the page itself


@pytest.mark.parametrize("dockerfile", ["deploy/Dockerfile", "deploy/nats/Dockerfile"])
def test_hadolint(dockerfile: str) -> None:
    """Hadolint has nothing to say about a Dockerfile."""
    ran = subprocess.run(
        [str(SCRIPTS / "hadolint"), dockerfile], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def test_base_image() -> None:
    """Both images have one base, named by its digest: a tag can be given to another image at any time."""
    bases = {
        rest
        for dockerfile in (DEPLOY / "Dockerfile", DEPLOY / "nats" / "Dockerfile")
        for name, rest in instructions(dockerfile)
        if name == "FROM"
    }
    (base,) = bases
    tag, _, digest = base.partition("@")
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    assert f"docker buildx imagetools inspect {tag}\n" in PAGE


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


def test_login_key() -> None:
    """The page's command makes the login key of SWR: the HMAC of the access key with the secret key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is needed to make the key")
    command = re.search(r"^login_key=.*$", PAGE, re.MULTILINE)
    assert command
    ran = subprocess.run(
        ["bash", "-euc", f"{command[0]}; printf %s $login_key"],
        env={"PATH": os.environ["PATH"], "AK": "access", "SK": "secret"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == hmac.new(b"secret", b"access", "sha256").hexdigest()


def test_named_files() -> None:
    """Every file of `deploy` that the pages name is there."""
    named = re.findall(r"(?<![/\w])(deploy/[\w./-]+\w)", PAGE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []

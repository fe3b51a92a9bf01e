"""How many deliveries each platform makes at once, and the threads that it gives the function for them."""

import re
from typing import NamedTuple

from deploy.nats.settings import Settings
from tests.processes.container import instructions
from tests.support.deploy_page import PAGE
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"

HEALTH_CHECKS = 2
"""Threads beside the deliveries: a platform may ask at once whether the function lives and is ready."""


class AtOnce(NamedTuple):
    """deliveries: the most that an instance gets at once. threads: THREADS of that instance."""

    deliveries: int
    threads: int


def image_threads() -> int:
    (environment,) = [rest for name, rest in instructions(DEPLOY / "Dockerfile") if name == "ENV"]
    return int(dict(setting.split("=") for setting in environment.split())["THREADS"])


def number(pattern: str, path: str) -> int:
    """The one number that a file of `deploy` has in this place."""
    (found,) = re.findall(pattern, (DEPLOY / path).read_text(encoding="utf-8"), re.MULTILINE)
    return int(found)


def platforms() -> dict[str, AtOnce]:
    """By the names in the table of the page."""
    image = image_threads()
    host = number(r"\bTHREADS=(\d+)", "nginx/image-tagger.service")
    subscription = Settings.from_environ({"SUBSCRIBER_URL": "http://127.0.0.1"})
    from_kubernetes = subscription.parallel * number(r"^  replicas: (\d+)", "nats/kubernetes.yaml")
    instances = number(r'max-scale: "(\d+)"', "knative/function.yaml")
    (cloud_run,) = re.findall(r"--concurrency (\d+) ", PAGE)
    return {
        "Knative": AtOnce(number(r"^ +containerConcurrency: (\d+)", "knative/function.yaml"), image),
        # Where nothing asks for more.
        "FunctionGraph on Open Telekom Cloud": AtOnce(1, image),
        "FunctionGraph on Huawei Cloud": AtOnce(
            number(r"^ +concurrency_num += (\d+)", "functiongraph/huaweicloud/main.tf"), image
        ),
        "NATS, the unit": AtOnce(number(r"\bPARALLEL=(\d+)", "nats/image-tagger-subscription.service"), host),
        # Knative deals them out to its instances.
        "NATS, in Kubernetes": AtOnce(-(-from_kubernetes // instances), image),
        "Cloud Run": AtOnce(int(cloud_run), image),
        "nginx": AtOnce(number(r"\bmax_conns=(\d+)", "nginx/image-tagger.conf"), host),
    }

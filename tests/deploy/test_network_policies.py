"""NetworkPolicies, held to the pods, ports and addresses of the manifests beside them."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.manifests import MANIFESTS

FUNCTION = MANIFESTS["knative: NetworkPolicy image-tagger"]["spec"]
KEEPER = MANIFESTS["knative: NetworkPolicy dead-letters"]["spec"]
REPLAY = MANIFESTS["replay: NetworkPolicy image-tagger-replay"]["spec"]
SUBSCRIPTION = MANIFESTS["nats: NetworkPolicy image-tagger-subscription"]["spec"]

DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def ports(rule: dict[str, Any]) -> list[int]:
    return [each["port"] for each in rule["ports"]]


def namespaces(peers: list[dict[str, Any]]) -> list[str]:
    selectors = [peer["namespaceSelector"]["matchLabels"] for peer in peers if "namespaceSelector" in peer]
    return [labels["kubernetes.io/metadata.name"] for labels in selectors]


def pods(peers: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]


def labels(manifest: str) -> dict[str, str]:
    """Of the pods that a Deployment makes."""
    return dict(MANIFESTS[manifest]["spec"]["template"]["metadata"]["labels"])


FUNCTIONS_PODS = {"serving.knative.dev/service": "image-tagger"}
"""The label that Knative gives the pods of its Service of this name (serving.knative.dev)."""


@pytest.mark.parametrize(
    "policy",
    [FUNCTION, KEEPER, REPLAY, SUBSCRIPTION],
    ids=["function", "keeper", "replay", "subscription"],
)
def test_both_ways(policy: dict[str, Any]) -> None:
    """What a policy does not name is forbidden, in both directions."""
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["podSelector"]["matchLabels"]


def test_function() -> None:
    """The function hears Knative alone, and speaks to DNS, to HTTPS and to the keeper of dead letters."""
    assert FUNCTION["podSelector"]["matchLabels"] == FUNCTIONS_PODS
    service = MANIFESTS["knative: Service image-tagger"]
    assert service["metadata"]["name"] == FUNCTIONS_PODS["serving.knative.dev/service"]
    (ingress,) = FUNCTION["ingress"]
    assert namespaces(ingress["from"]) == ["knative-serving"]
    assert len(ingress["from"]) == 1
    # Otherwise the gateway of the networking layer, in a namespace of its own, delivers to the pods itself.
    annotations = service["spec"]["template"]["metadata"]["annotations"]
    assert annotations["autoscaling.knative.dev/target-burst-capacity"] == "-1"

    dns, https, keeper = FUNCTION["egress"]
    assert dns == {"ports": DNS}
    assert https == {"ports": [{"port": 443}]}
    env = {
        each["name"]: each.get("value")
        for each in service["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert urlsplit(env["IMS_ENDPOINT"]).scheme == "https"
    assert urlsplit(env["DEAD_LETTER_SINK"]).hostname == "dead-letters.image-tagger.svc.cluster.local"
    assert pods(keeper["to"]) == [labels("knative: Deployment dead-letters")]
    # A policy counts the port of the pod, not that of the Service.
    assert ports(keeper) == [MANIFESTS["knative: Service dead-letters"]["spec"]["ports"][0]["targetPort"]]


def test_keeper() -> None:
    """The keeper of dead letters hears the function and the broker, and speaks to nobody."""
    assert KEEPER["podSelector"]["matchLabels"] == labels("knative: Deployment dead-letters")
    assert "egress" not in KEEPER
    (ingress,) = KEEPER["ingress"]
    assert pods(ingress["from"]) == [FUNCTIONS_PODS]
    assert namespaces(ingress["from"]) == ["knative-eventing"]
    assert len(ingress["from"]) == 2
    assert ports(ingress) == [MANIFESTS["knative: Service dead-letters"]["spec"]["ports"][0]["targetPort"]]


def test_subscription() -> None:
    """The subscription hears nobody, and speaks to DNS, to the bus and to the function."""
    assert SUBSCRIPTION["podSelector"]["matchLabels"] == labels("nats: Deployment image-tagger-subscription")
    assert "ingress" not in SUBSCRIPTION
    dns, bus, function = SUBSCRIPTION["egress"]
    assert dns == {"ports": DNS}
    container = MANIFESTS["nats: Deployment image-tagger-subscription"]["spec"]["template"]["spec"][
        "containers"
    ][0]
    env = {each["name"]: each.get("value", "") for each in container["env"]}
    assert {urlsplit(url).port for url in env["NATS_URL"].split(",")} == {*ports(bus)}
    assert urlsplit(env["SUBSCRIBER_URL"]).hostname == "image-tagger.image-tagger.svc.cluster.local"
    (gateways,) = [peer["namespaceSelector"]["matchExpressions"] for peer in function["to"]]
    assert gateways == [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["kourier-system", "istio-system"]}
    ]


def test_replay() -> None:
    """What asks Cloud Trace Service hears nobody, and speaks to DNS, to HTTPS and to the function."""
    job = MANIFESTS["replay: CronJob image-tagger-backfill"]["spec"]["jobTemplate"]["spec"]["template"]
    for pods_labels in (labels("replay: Deployment image-tagger-replay"), job["metadata"]["labels"]):
        assert REPLAY["podSelector"]["matchLabels"] == pods_labels
    assert "ingress" not in REPLAY
    dns, https, function = REPLAY["egress"]
    assert (dns, https) == ({"ports": DNS}, {"ports": [{"port": 443}]})
    assert function == SUBSCRIPTION["egress"][-1]

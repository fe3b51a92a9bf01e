"""The manifests for Kubernetes and Knative, as they ship."""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"

NO_MANIFESTS = {"kustomization.yaml", "generated-names.yaml", "alerts.yaml", "settings.yaml"}
"""Of kustomize, of Loki and of Cloud Run; `test_kustomize` builds with the first two."""


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DEPLOY.rglob("*.yaml")):
        if path.name not in NO_MANIFESTS:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield f"{path.parent.name}: {document['kind']} {document['metadata']['name']}", document


MANIFESTS = dict(manifests())

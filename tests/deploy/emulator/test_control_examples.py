"""The examples in the docstrings of the emulator's control plane work as they stand."""

import json
import re

import pytest

from deploy.local.ims import control
from deploy.local.ims.control import identity, images, traces
from tests.processes.emulator import Ims

EXAMPLE = re.compile(r"^    (PUT|POST) /_emulator/(\S+)\n((?:    .+\n)+)", re.MULTILINE)
EXAMPLES = [
    example
    for module in (control, images, traces, identity)
    for example in EXAMPLE.findall(module.__doc__ or "")
]


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES, ids=[path for _, path, _ in EXAMPLES])
def test_an_example_works(ims: Ims, method: str, path: str, body: str) -> None:
    """The control plane takes it."""
    ims.control(method, path, json.loads(body))


def test_every_module_has_examples() -> None:
    """As many as were written."""
    assert len(EXAMPLES) == 9

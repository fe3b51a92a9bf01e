"""A log as a fixture: `log`, which keeps its lines."""

from typing import Any

import pytest


class Lines(list[dict[str, Any]]):
    """A log that keeps its lines."""

    def __call__(self, message: str, severity: str = "INFO", **fields: Any) -> None:
        self.append({"message": message, "severity": severity, **fields})


@pytest.fixture
def log() -> Lines:
    return Lines()

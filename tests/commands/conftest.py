"""What several files about the commands share."""

import json
from pathlib import Path

import pytest

ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"


@pytest.fixture
def event(tmp_path: Path) -> str:
    """The name of a file with an event that has data of two types, and a name that IMS would refuse."""
    path = tmp_path / "event.json"
    content = {"specversion": "1.0", "id": "1", "source": "/x", "type": "image.created", "subject": ID}
    path.write_text(json.dumps(content | {"data": {"name": "web base", "sizes": [1, 2, 3, 4, 5]}}))
    return str(path)

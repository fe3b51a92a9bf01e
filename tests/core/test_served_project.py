"""Which of the served projects an image is in."""

import pytest

from handlers.core.errors import InvalidEvent, ProjectNotServed
from handlers.image_created import served_project


@pytest.mark.parametrize(
    ("project_id", "served", "expected"),
    [
        pytest.param("p-1", (), None, id="whichever the credentials are for"),
        pytest.param(None, (), None, id="not said and not asked"),
        pytest.param("p-1", ("p-1",), "p-1", id="the one"),
        pytest.param("p-2", ("p-1", "p-2"), "p-2", id="one of several"),
        pytest.param(None, ("p-1",), "p-1", id="not said, and there is but one"),
    ],
)
def test_served(project_id: str | None, served: tuple[str, ...], expected: str | None) -> None:
    """The event's project where it is listed."""
    assert served_project(project_id, served) == expected


@pytest.mark.parametrize("project_id", ["p-2", "P-1", "p-1 ", "p", "é\n" * 99], ids=ascii)
def test_not_served(project_id: str) -> None:
    """Any other is refused, in one short line that names it."""
    with pytest.raises(ProjectNotServed) as raised:
        served_project(project_id, ("p-1",))

    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


def test_not_said() -> None:
    """Of several, the event has to say which."""
    with pytest.raises(InvalidEvent):
        served_project(None, ("p-1", "p-2"))

"""Which of the projects that are served an image is in."""

from collections.abc import Collection

from handlers.core.errors import InvalidEvent, ProjectNotServed


def served_project(project_id: str | None, served: Collection[str]) -> str | None:
    """The project whose credentials an image needs; None where there is but one that they are for.

    project_id: by the event's word. served: ids; none where it is whichever the credentials are for.
    Raises ProjectNotServed, or InvalidEvent where the event would have to say which of several it is.
    """
    if not served:
        return None
    if project_id in served:
        return project_id
    if project_id is not None:
        raise ProjectNotServed(f"the image is in the project {project_id[:64]!a}, which is not served here")
    if len(served) > 1:
        raise InvalidEvent("the event does not say in which project the image is, and several are served")
    return next(iter(served))

"""Finds the project of an image among those that are served."""

from collections.abc import Collection

from handlers.core.errors import InvalidEvent, ProjectNotServed


def served_project(project_id: str | None, served: Collection[str]) -> str | None:
    """The project whose credentials an image needs; None if the credentials are for one project anyway.

    project_id: from the event. served: ids; none if the credentials are for one project anyway.
    Raises ProjectNotServed, or InvalidEvent if several are served and the event names none.
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

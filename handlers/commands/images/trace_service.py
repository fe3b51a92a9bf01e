"""The traces that Cloud Trace Service recorded, page by page (CTS API reference, "Querying a Trace List")."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from handlers.commands.files import UsageError
from handlers.commands.images.cloud import Cloud, Get, reading
from handlers.core.errors import ImageNotFound, UnexpectedReply
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json, as_list, object_or_empty, string

PAGE = 200
"""Traces a page: the documented maximum."""

KEPT = timedelta(days=7)
"""How long Cloud Trace Service keeps traces."""

MARGIN = timedelta(minutes=1)
"""How much less of that time is asked for, since what happens beyond it is not published, and no clock is
right."""

NOT_FOUND = 404


class TraceService:
    """Cloud Trace Service, for the operations that create images in the served projects."""

    def __init__(self, cloud: Cloud, signals: CreationSignals) -> None:
        """Raises UsageError where nobody knows its address."""
        if cloud.cts is None:
            raise UsageError(
                "the address of Cloud Trace Service cannot be derived from IMS_ENDPOINT; set CTS_ENDPOINT"
            )
        self._get = cloud.cts
        self._projects = cloud.projects
        self._names = signals.trace_names

    def between(self, since: datetime, until: datetime) -> Iterator[Json]:
        """The traces of this time, in no order of use. Raises UsageError, or ServiceAway."""
        since = max(since, datetime.now(UTC) - KEPT + MARGIN)
        for project_id in self._projects:
            get = self._get(project_id)
            with reading("traces", project_id, "read", "cts:trace:list"):
                for name in self._names:
                    yield from _pages(get, project_id, name, since, until)


def traces_path(project_id: str) -> str:
    """Where traces are listed."""
    return f"/v3/{project_id}/traces"


def _pages(get: Get, project_id: str, name: str, since: datetime, until: datetime) -> Iterator[Json]:
    query = {
        "trace_type": "system",
        "service_type": "IMS",
        "trace_name": name,
        "limit": str(PAGE),
        # The moments themselves are left out.
        "from": str(int(since.timestamp() * 1000) - 1),
        "to": str(int(until.timestamp() * 1000) + 1),
    }
    markers = set[str]()
    while True:
        try:
            answer = get(traces_path(project_id), query)
        except (UnexpectedReply, ImageNotFound) as error:
            if error.status == NOT_FOUND and error.code.upper().startswith("CTS"):
                return  # "The requested trace does not exist"
            raise
        traces = [trace for trace in map(object_or_empty, as_list(answer.get("traces"))) if trace]
        # Events of a bus name the project; an answer about one project may not.
        yield from ({"project_id": project_id} | trace for trace in traces)
        marker = string(object_or_empty(answer.get("meta_data")), "marker")
        if not traces or not marker or marker == query.get("next"):
            return
        if marker in markers:
            raise UnexpectedReply("the list begins again and again; check any proxy in between")
        markers.add(marker)
        query = query | {"next": marker}

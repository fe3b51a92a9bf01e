"""Every own image of the served projects, beside the rules."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

from handlers.commands.files import UsageError, table_in
from handlers.commands.images.assess import Assessment, Assessor
from handlers.commands.images.cloud import Cloud, reading
from handlers.commands.images.image_list import own_images
from handlers.commands.images.parents import Parents
from handlers.commands.images.trace_service import KEPT, TraceService
from handlers.commands.images.trace_store import Traces
from handlers.commands.moments import within
from handlers.core.json_access import Json, string
from handlers.core.patterns.wildcards import Wildcard
from handlers.core.times import parse_time
from handlers.edges.settings import Settings

UNKNOWN = "so it is not known who made which image"


class Chosen(NamedTuple):
    """Which images are meant; None: any. An image without a time is neither since nor until any."""

    since: datetime | None
    until: datetime | None
    name: Wildcard | str | None
    ids: frozenset[str] | None

    def matches(self, image: Json) -> bool:
        name = string(image, "name") or ""
        return (
            within(parse_time(image.get("created_at")), self.since, self.until)
            and (
                self.name is None
                or (name == self.name if isinstance(self.name, str) else self.name.matches(name))
            )
            and (self.ids is None or image["id"].lower() in self.ids)
        )


class Survey:
    """One look at every image. notes: what could not be known, in sentences, as soon as that is clear.

    parents are asked for once each, and traces only at the beginning.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raises InvalidSetting, InvalidTable or UsageError, before anything is asked."""
        self._settings = Settings.from_environ(environ)
        self._table = table_in(self._settings.rules, (self._settings.pseudonym_key or "").encode())
        self._cloud = Cloud.of(self._settings, environ)
        self.notes = list[str]()
        if any(rule.audit for rule in self._table.rules):
            self.notes.append('rules with mode = "audit" write no tags, so they are left out here')

    def __iter__(self) -> Iterator[Assessment]:
        """Raises UsageError where images cannot be listed."""
        with closing(Traces(self._settings.signals)) as traces:
            self._add_recorded(traces)
            for project_id in self._cloud.projects:
                get = self._cloud.ims(project_id)
                with (
                    reading("images", project_id, "listed", "ims:images:list"),
                    closing(Parents(get)) as parents,
                ):
                    assessor = Assessor(
                        self._table, self._settings.signals, self._settings.tag_form, traces, parents.image
                    )
                    yield from map(assessor.assess, own_images(get, project_id))

    def _add_recorded(self, traces: Traces) -> None:
        now = datetime.now(UTC)
        try:
            for trace in TraceService(self._cloud, self._settings.signals).between(now - KEPT, now):
                traces.add(trace)
        except UsageError as error:
            self.notes.append(f"{error}; {UNKNOWN}")
        else:
            if not len(traces):
                self.notes.append(
                    f"Cloud Trace Service shows no created image of the last seven days, {UNKNOWN}; "
                    "see whether it is switched on"
                )

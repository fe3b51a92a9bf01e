"""Traces of created images, kept on disk while a command runs: in the order of time, and by image.

There may be many, and the service gives the newest first. So a temporary database holds them, which ends with
the command.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime

from handlers.commands.files import temporary_files
from handlers.core.events import CreationSignals
from handlers.core.events.creators import completed, creation_in
from handlers.core.json_access import Json, object_or_empty, string
from handlers.core.json_text import encodable
from handlers.core.times import parse_time

_TABLES = """
CREATE TABLE trace (id TEXT PRIMARY KEY, time REAL, text TEXT);
CREATE TABLE image (image_id TEXT, name TEXT, trace_id TEXT, job_id TEXT, names_creator, is_only);
CREATE TABLE job (job_id TEXT, trace_id TEXT);
CREATE INDEX by_image ON image (image_id);
CREATE INDEX by_job ON job (job_id);
"""

_BY_CREATOR = """
SELECT text, name, is_only FROM image JOIN trace ON trace.id = trace_id
WHERE image_id = ? AND names_creator ORDER BY time
"""

_JOB_BY_CREATOR = """
SELECT text, image.name, FALSE FROM image JOIN job ON job.job_id = image.job_id
JOIN trace ON trace.id = job.trace_id
WHERE image_id = ? ORDER BY time
"""


class Traces:
    """Traces, each once. With `add`, those that are about no created image are left out."""

    def __init__(self, signals: CreationSignals) -> None:
        self._signals = signals
        self._database = sqlite3.connect("")  # on disk, without a name
        self._database.executescript(_TABLES)

    def close(self) -> None:
        self._database.close()

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM trace").fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Json]:
        """The oldest first."""
        for (text,) in self._database.execute("SELECT text FROM trace ORDER BY time, id"):
            yield json.loads(text)

    def add(self, trace: Json) -> bool:
        """Keeps a trace; False if it is about no created image, or known. Raises UsageError."""
        trace_id = string(trace, "trace_id")
        creation = creation_in(trace, self._signals)
        if not trace_id or creation is None:
            return False
        at = time_of(trace)
        row = (trace_id, at.timestamp() if at else 0.0, json.dumps(trace))
        with temporary_files():
            if not self._database.execute("INSERT OR IGNORE INTO trace VALUES (?, ?, ?)", row).rowcount:
                return False
            each_has = (trace_id, creation.job_id, creation.names_creator, len(creation.images) == 1)
            for image in encodable(creation.images):  # their names may be of JSON as text, with any escape
                named = (image["id"], string(image, "name"), *each_has)
                self._database.execute("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?)", named)
            if creation.names_creator and not creation.images:
                self._database.execute("INSERT INTO job VALUES (?, ?)", (creation.job_id, trace_id))
        return True

    def of_image(self, image_id: str) -> Json | None:
        """The trace that says who made an image, about this image alone; None if there is none.

        The first trace of a job may name the job alone. Then it is completed with the image. That of several
        images must not speak of the others, which nobody may have asked for.
        """
        for query in (_BY_CREATOR, _JOB_BY_CREATOR):
            if found := self._database.execute(query, (image_id,)).fetchone():
                text, name, is_only = found
                trace = object_or_empty(json.loads(text))
                return trace if is_only else completed(trace, {"id": image_id, "name": name})
        return None


def time_of(trace: Json) -> datetime | None:
    """When a trace was recorded, by which the service lists it; else when its operation was."""
    return parse_time(trace.get("record_time")) or parse_time(trace.get("time"))

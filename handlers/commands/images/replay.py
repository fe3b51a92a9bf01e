"""`images replay`: the traces of created images that Cloud Trace Service recorded, as events."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

from handlers.commands.files import UsageError
from handlers.commands.images.cloud import Cloud
from handlers.commands.images.follow import RECENT, follow
from handlers.commands.images.sending import Sent, send_all, to_send
from handlers.commands.images.trace_files import traces_in
from handlers.commands.images.trace_service import KEPT, MARGIN, TraceService
from handlers.commands.images.trace_store import Traces, time_of
from handlers.commands.moments import within
from handlers.commands.output.report import Report, counted
from handlers.commands.targets import open_target
from handlers.core.json_access import Json
from handlers.edges import settings

NONE_RECORDED = (
    "There is no trace of a created image in this time; see whether Cloud Trace Service is switched on."
)
NONE_IN_FILES = "There is no trace of a created image in these files, or none of this time."


def replay(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError or InvalidSetting, before the first event is sent."""
    if asked.follow:
        return follow(asked, environ)
    if asked.state:
        raise UsageError("--state belongs to --follow; add that, or leave it out")
    with closing(Traces(settings.signals(environ))) as traces:
        for trace in traces_in(asked.files) if asked.files else _recorded(asked, environ):
            if not asked.files or within(time_of(trace), asked.since, asked.until):
                traces.add(trace)
        sent = Sent(len(traces))
        with closing(open_target(asked.to, environ, asked.token_file)) as target:
            try:
                send_all(map(to_send, traces), target, asked.rate, sent)
            except KeyboardInterrupt:
                sys.stderr.write(f"interrupted: {sent}\n")
                raise
    data = {"traces": sent.total, **sent.as_json()}
    return Report(
        data, _lines(sent, NONE_IN_FILES if asked.files else NONE_RECORDED), 0 if sent.is_done else 1
    )


def _recorded(asked: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[Json]:
    now = datetime.now(UTC)
    since, until = asked.since or now - RECENT, asked.until or now
    if since < now - KEPT - MARGIN:  # `7d` on the command line was a moment ago
        raise UsageError(
            "Cloud Trace Service keeps traces for seven days; write --since 7d, or name files of traces"
        )
    if since >= until:
        raise UsageError("--since is not before --until; correct one of them")
    read = settings.Settings.from_environ(environ)
    return TraceService(Cloud.of(read, environ), read.signals).between(since, until)


def _lines(sent: Sent, none: str) -> Iterator[str]:
    if not sent.total:
        yield none
    yield from sent.lines()
    yield f"{counted(sent.total, 'trace')} of created images: {sent}"

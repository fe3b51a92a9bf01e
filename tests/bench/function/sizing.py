"""What WORKERS and THREADS do."""

from collections.abc import Sequence

from tests.bench.rig.served import function, tag_api, under_load
from tests.bench.rows import Row

CALLS = {"image_tag": 3, "batch": 1}
"""What an event with three tags takes, by TAG_FORM."""


def sizing(
    seconds: float = 4,
    delays: Sequence[float] = (0.05, 0.2),
    sizes: Sequence[tuple[int, int]] = ((1, 4), (1, 8), (1, 16), (1, 32), (2, 16)),
) -> list[Row]:
    """How many events a second how many WORKERS x THREADS handle, three tags each.

    here: measured, with twice as many connections as threads. beside: what the
    threads could do if there were nothing but waiting for the API's answers.
    """
    rows = []
    for delay in delays:
        with tag_api(delay) as api:
            for form, calls in CALLS.items():
                for workers, threads in sizes:
                    of_size = {"WORKERS": str(workers), "THREADS": str(threads)}
                    with function("main.py", api, TAG_FORM=form, **of_size) as served:
                        connections = 2 * workers * threads
                        under_load(served, api, connections, seconds / 4)
                        seen = under_load(served, api, connections, seconds)
                    what = f"{delay * 1000:.0f} ms, {form}, {workers} x {threads}"
                    waiting = workers * threads / (calls * delay)
                    rows.append(Row(what, "/s", [seen.events_a_second], [waiting]))
    return rows

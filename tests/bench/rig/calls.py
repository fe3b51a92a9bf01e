"""Bare calls from a process of its own: `python -m tests.bench.rig.calls PORT FORM THREADS SECONDS`.

Each thread makes the calls that write three tags, by PUT or as a batch, again and again with `http.client`
over one connection. The bytes are ready before the first call. Prints one JSON object of what it saw.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from handlers.core.ims.requests import Call, batch_call, tag_call
from handlers.core.ims.tags import Tag
from tests.bench.rig.served import PROJECT

IMAGE = "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"
TAGS = [
    Tag("created-by", "max_mustermann"),
    Tag("created-on", "2026-01-05"),
    Tag("created-for", "production"),
]
HEADERS = {"Content-Type": "application/json", "X-Auth-Token": "canary-token-of-the-benchmarks"}


def repeat(port: int, calls: list[tuple[Call, bytes]], until: float) -> int:
    """How often these calls were made, one after the other, before the clock showed `until`."""
    connection = HTTPConnection("127.0.0.1", port)
    times = 0
    while time.perf_counter() < until:
        for call, body in calls:
            connection.request(call.method, call.path, body, HEADERS)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise RuntimeError(f"a call was answered {answer.status}")
        times += 1
    connection.close()
    return times


if __name__ == "__main__":
    port, form, threads, seconds = sys.argv[1:]
    one_by_one = [tag_call(IMAGE, tag, form) for tag in TAGS]
    calls = [batch_call(PROJECT, IMAGE, TAGS)] if form == "batch" else one_by_one
    ready = [(call, json.dumps(call.body).encode()) for call in calls]
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(int(threads)) as pool:
        workers = [pool.submit(repeat, int(port), ready, began + float(seconds)) for _ in range(int(threads))]
        events = sum(worker.result() for worker in workers)
    found = {"events": events, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    sys.stdout.write(json.dumps(found))

"""What the probe finds in clouds drawn by chance, and what it leaves behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from handlers.commands.probe.keys import PREFIX
from tests.bench.rows import Row
from tests.processes.emulator import Ims
from tests.support.probe.draws import (
    SETTINGS,
    TRACES,
    Draw,
    VirtualTime,
    end_probe,
    everything_observable,
    run_probe,
)
from tests.support.probe.replay import Player, recorded

SETUP = ("/v2/cloudimages/action", "/copy")
"""How the paths of the calls end that made the cloud."""


def probe(draws: int = 500, every: int = 1, clouds: int = 5, calls: int = 2000) -> list[Row]:
    """What the probe finds in clouds drawn by chance, and whether it leaves anything behind.

    Each draw sets all that is not published, takes rights away, and puts an image with or without room for
    tags. The probe has to find all that can be observed, and to say of all else that it cannot be. Then it is
    killed, and ended by a signal, at each of its calls (`every`: at each so-manyth). At last, emulators that
    are started from the profiles of `clouds` get the same calls as those with the switches.
    """
    with _emulator() as ims, TemporaryDirectory() as folder:
        path = Path(folder) / "profile.json"
        rows = [*_draws(ims, path, draws), *_ends(ims, path, every)]
    return [*rows, _replay(clouds, calls)]


def _draws(ims: Ims, path: Path, number: int) -> list[Row]:
    wrong, changed, most, observable = 0, 0, 0, 0
    for seed in range(number):
        draw = Draw.by_chance(seed)
        image_id = draw.build(ims)
        before = ims.tags(image_id) if image_id else {}
        probed = run_probe(ims.url, path, image_id, quota=draw.quota and image_id is not None)
        wanted = draw.observable()
        missing = {*SETTINGS, *TRACES} - wanted.keys()
        observable += len(wanted)
        wrong += probed.profile["cloud"] != wanted or probed.profile["not_observed"].keys() != missing
        changed += image_id is not None and ims.tags(image_id) != before
        most = max(most, sum(not call["path"].endswith(SETUP) for call in ims.calls()))
    return [
        Row(f"draws of {number} not found out", "", [wrong], goal=0, must=True),
        Row("switches observable a draw", "", [observable / number]),
        Row("images that are not as before", "", [changed], goal=0, must=True),
        Row("calls of a run, at most", "", [most], goal=60, must=True),
    ]


def _ends(ims: Ims, path: Path, every: int) -> list[Row]:
    """Killed at each call, and ended by SIGTERM; with and without the batch call."""
    kills, left_by_kill, left_by_next, left_by_term = 0, 0, 0, 0
    for batch in (True, False):
        draw = everything_observable(1, batch_call=batch)
        image_id = draw.build(ims) or ""
        before = ims.tags(image_id)
        virtual = VirtualTime(ims.url)
        run_probe(ims.url, path, image_id, quota=True, virtual=virtual)
        for wait in range(1, virtual.waits + 1, every):
            kills += 1
            image_id = draw.build(ims) or ""
            end_probe(ims, path, image_id, wait, signal.SIGKILL)
            left_by_kill += any(key.startswith(PREFIX) for key in ims.tags(image_id))
            run_probe(ims.url, path, image_id)
            left_by_next += ims.tags(image_id) != before
            image_id = draw.build(ims) or ""
            end_probe(ims, path, image_id, wait, signal.SIGTERM)
            left_by_term += ims.tags(image_id) != before
    return [
        Row("kills", "", [kills]),
        Row("of them, tags left at first", "", [left_by_kill]),
        Row("tags left after the next run", "", [left_by_next], goal=0, must=True),
        Row("tags left after SIGTERM", "", [left_by_term], goal=0, must=True),
    ]


def _replay(clouds: int, calls: int) -> Row:
    """In each of these clouds, what its emulator and that of its profile answer to the same calls."""
    differing = 0
    for seed in range(clouds):
        draw = everything_observable(seed)
        with TemporaryDirectory() as folder, _emulator() as drawn:
            path = Path(folder) / "profile.json"
            run_probe(drawn.url, path, draw.build(drawn), quota=True)
            drawn.reset()
            draw.set_switches(drawn)
            with _emulator("--profile", str(path)) as profiled:
                first, second = Player(drawn), Player(profiled)
                differing += sum(first.answer(each) != second.answer(each) for each in recorded(seed, calls))
    return Row(f"of {clouds} x {calls} answers, differing", "", [differing], goal=0, must=True)


@contextmanager
def _emulator(*arguments: str) -> Iterator[Ims]:
    ims = Ims(*arguments)
    try:
        yield ims
    finally:
        ims.stop()

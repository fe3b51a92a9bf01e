"""Has coverage, replay and backfill find and mend what the events have missed, and audits all of it."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.ledger.audit import adds_up, by_default, lacking, wrong_images, wrong_lines
from tests.bench.ledger.commands import Images
from tests.bench.ledger.delivery import SETTLED_WITHIN, Delivery
from tests.bench.ledger.memory import Memory, creations_in
from tests.bench.ledger.table import Json
from tests.bench.rig.system import System, reasons_of
from tests.bench.rows import Row, none

SINCE = "3h"
"""Covers both hours of the creations."""

AT_ONCE = 500
"""Ids on one command line."""

TOLD = 20
"""How many faults of a kind are told of."""


class Mending:
    """settings: of the function, which the commands need too."""

    def __init__(self, system: System, delivery: Delivery, settings: Mapping[str, str]) -> None:
        self._system = system
        self._delivery = delivery
        self._images = Images(system, settings)
        self._figures: list[Row] = []
        self._wrong: dict[str, list[str]] = {}

    def run(self) -> None:
        lines = self._cover("after delivery")
        self._count_defaults(lines)
        self._images.replay(SINCE)
        self._system.drain(SETTLED_WITHIN)
        self._cover("after replay")
        summaries = self._images.backfill_with_kills()
        lines = self._cover("after backfill")
        self._figures.append(none("lacking after all", lacking(lines)))
        if ids := by_default(lines):
            # An owner that is there is never filled in, even if it is the default of an event that knew less.
            for start in range(0, len(ids), AT_ONCE):
                summaries.append(self._images.backfill("--overwrite", "--id", *ids[start : start + AT_ONCE]))
            lines = self._cover("after overwriting")
        self._figures.append(none("default owners after all", len(by_default(lines))))
        self._wrong["summaries"] = [str(each) for each in summaries if not adds_up(each)]
        self._audit()

    def _count_defaults(self, lines: Sequence[Json]) -> None:
        creations, delivered = self._memory().creations, self._delivery.courier.delivered
        defaults = by_default(lines)
        overtaken = sum(creations[each].first["id"] in delivered for each in defaults)
        self._figures.append(Row("default owners", "", [len(defaults)]))
        self._figures.append(Row("- of two events at once", "", [overtaken]))

    def _audit(self) -> None:
        memory = self._memory()
        self._wrong["tags"] = list(wrong_images(memory, self._delivery.scene.given))
        letters, refused = reasons_of(self._system.dead_letters("list")), memory.refused()
        self._wrong["dead letters"] = [
            f"{each} {letters.get(each, 'is missing')}" for each in letters.keys() ^ refused
        ]
        self._figures.append(Row("dead letters", "", [len(letters)]))
        self._figures.append(Row("images in the emulator", "", [len(memory.images)]))
        for what, wrong in self._wrong.items():
            for each in wrong[:TOLD]:
                sys.stderr.write(f"ledger: {what}: {each}\n")

    def _cover(self, when: str) -> Sequence[Json]:
        lines = self._images.coverage()
        self._wrong[f"coverage {when}"] = list(wrong_lines(self._memory(), lines))
        self._figures.append(Row(f"lacking {when}", "", [lacking(lines)]))
        states = Counter(str(line.get("state")) for line in lines)
        said = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
        sys.stderr.write(f"ledger: {when}: {said}\n")
        return lines

    def _memory(self) -> Memory:
        ims, courier = self._system.ims, self._delivery.courier
        return Memory(
            {image["id"]: image for image in ims.control("GET", "images")["images"]},
            creations_in(courier.events.values()),
            frozenset(trace["trace_id"] for trace in ims.control("GET", "traces")["traces"]),
            frozenset(courier.delivered),
            ims.project_id,
        )

    def rows(self) -> Iterator[Row]:
        yield from self._figures
        for what, wrong in self._wrong.items():
            yield none(f"wrong: {what}", len(wrong))

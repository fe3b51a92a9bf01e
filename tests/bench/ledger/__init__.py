"""Whether every image has its tags in the end, whatever becomes of the events about it."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.ledger.delivery import Delivery
from tests.bench.ledger.mending import Mending
from tests.bench.ledger.table import RULES
from tests.bench.rig.seeds import seeded
from tests.bench.rig.system import running
from tests.bench.rows import Row
from tests.bench.system.chaos import SUBSCRIPTION
from tests.processes.emulator import Ims

__all__ = ["ledger"]


def ledger(images: int = 5_000, seed: int | None = None, pause: float = 4.0, takes: float = 2.0) -> list[Row]:
    """Whether every image has its tags after coverage, replay and backfill.

    Images are created in the emulator in two hours, by jobs and at once, as copies,
    public ones, those of others, some with tags by hand. Of the events 5 % never
    come, 5 % come twice and 5 % an hour late, while function, subscription and bus
    are killed and started again. Of the last tenth of the images Cloud Trace Service
    loses half of the traces. Then `coverage` has to name the images that lack tags,
    `replay` and `backfill` mend them, with the command and the function killed on
    the way, and no image may have other tags than a table worked out apart from the
    product says, or than somebody gave it by hand. --seed repeats what is created
    and what becomes of the events; --images is how many creations there are.
    """
    # pause: seconds between two kills on average. takes: seconds of a job that makes an image.
    rng = seeded("ledger", seed)
    began = time.monotonic()
    with TemporaryDirectory(prefix="ledger-") as folder:
        rules = Path(folder) / "rules.toml"
        rules.write_text(RULES, encoding="utf-8")
        settings = {"RULES": str(rules), "TAG_FORM": rng.choice(("image_tag", "tag", "batch"))}
        with running(("-c", SUBSCRIPTION), THREADS="16", PROJECTS=Ims.project_id, **settings) as system:
            delivery = Delivery(system, rng, takes)
            delivery.run(images, pause)
            mending = Mending(system, delivery, settings)
            mending.run()
    return [*delivery.rows(), *mending.rows(), Row("took", "s", [time.monotonic() - began])]

"""Many tags by one call."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.rig.served import Served, function, tag_api, under_load
from tests.bench.rows import Row

TAGS = 10


def batch(rounds: int = 5, seconds: float = 2, delay: float = 0.05) -> list[Row]:
    """How long an event takes that gets ten tags, at an API that answers in 50 ms.

    here: the median answer of the function, events one after the other, with
    TAG_FORM=batch and without. beside: that of the API to the same client.
    """
    with ExitStack() as stack:
        rules = Path(stack.enter_context(TemporaryDirectory(prefix="batch-"))) / "rules.toml"
        rules.write_text(table_of_tags(TAGS), encoding="utf-8")
        api = stack.enter_context(tag_api(delay))
        served = [
            stack.enter_context(function("main.py", api, RULES=str(rules), TAG_FORM=form, THREADS="8"))
            for form in ("batch", "image_tag")
        ]
        for each in served:
            under_load(each, api, 8, seconds / 4)
        all_three: list[Served] = [*served, api]
        seen = [[under_load(each, api, 1, seconds).milliseconds for each in all_three] for _ in range(rounds)]
    together, one_by_one, round_trips = zip(*seen, strict=True)
    return [
        Row("ten tags, one call", "ms", together, round_trips, goal=1.3),
        Row("ten tags, ten calls", "ms", one_by_one, round_trips),
    ]


def table_of_tags(count: int) -> str:
    """One rule, and so many tags for every image."""
    tags = "\n".join(f'tags.tag-{number} = "{{{{ image.name }}}}-{number}"' for number in range(count))
    return f'[[rule]]\nname = "tags"\n{tags}\n'

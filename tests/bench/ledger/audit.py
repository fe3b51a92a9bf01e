"""Compares what the product did and said with what the table, worked out apart from it, demands. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bench.ledger.memory import Memory
from tests.bench.ledger.table import NOBODY, Json, Tags, coverage_of, inherits, tags_of


def wrong_lines(memory: Memory, lines: Sequence[Json]) -> Iterator[str]:
    """What is wrong with the lines of `coverage --json`."""
    found = {line.get("image_id", ""): line for line in lines}
    own = {image_id for image_id in memory.images if memory.is_own(image_id)}
    if len(found) < len(lines):
        yield "coverage names an image twice"
    for image_id in found.keys() ^ own:
        what = "leaves out" if image_id in own else "names, although it is not ours,"
        yield f"coverage {what} {image_id or found[image_id]}"
    for image_id in found.keys() & own:
        expected = coverage_of(memory.seen(image_id), memory.recorded_creator(image_id))
        line = found[image_id]
        differing = {key: values["is"] for key, values in line["differing"].items()}
        if (line["state"], line["lacking"], differing) != expected:
            yield f"coverage says {line}, should be {expected}"


def wrong_images(memory: Memory, given: Mapping[str, Tags]) -> Iterator[str]:
    """What is wrong with the tags in the end. given: by name, the tags that somebody gave by hand."""
    for image_id, image in memory.images.items():
        tags, seen = image["tags"], memory.seen(image_id)
        by_hand = given[seen.name]
        if not memory.is_own(image_id):
            if tags != by_hand:
                yield f"{seen.name} is not ours, or public, and has {tags} instead of {by_hand}"
            continue
        right = [tags_of(seen, memory.known_creator(image_id)) | by_hand]
        if memory.recorded_creator(image_id) is None and not inherits(seen, "owner"):
            # Nobody can find out any more that the owner is a default which was written too early.
            right.append(right[0] | {"owner": NOBODY} | by_hand)
        if tags not in right:
            yield f"{seen.name} ({image_id}) has {tags}, should have {right[0]}"


def lacking(lines: Sequence[Json]) -> int:
    return sum(line["state"] == "lacking" for line in lines)


def by_default(lines: Sequence[Json]) -> list[str]:
    """The images whose owner is the default although it is known who made them."""
    owners = {line["image_id"]: line["differing"].get("owner", {}) for line in lines}
    return [image_id for image_id, owner in owners.items() if owner.get("is") == NOBODY]


def adds_up(summary: Mapping[str, Any]) -> bool:
    """Whether images = complete + done + dead letters + not done."""
    ended = sum(summary["done"].values()) + len(summary["dead_letters"]) + len(summary["not_done"])
    return bool(summary["images"] == summary["complete"] + ended + summary["not_sent"])

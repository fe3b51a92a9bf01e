"""What the rules decided for one image: the tags to write, and the skipped tags with the reason."""

from collections.abc import Sequence
from typing import NamedTuple

from handlers.core.ims.tags import Tag, existing_value

BY_RULE = "the rule keeps it"
BY_EVENT = "the event only fills in"


class PlannedTag(NamedTuple):
    """A tag that the rules give an image.

    audit: it is only logged. keep: why the image's own tag of this key stays if it has one; "" where it does
    not. original: the value before it was sanitized, "" where IMS accepts it as it is. fault: what IMS would
    refuse in it.
    """

    tag: Tag
    rule: str
    audit: bool = False
    keep: str = ""
    original: str = ""
    fault: str = ""


class SkippedTag(NamedTuple):
    """A tag that a matching rule names but does not give the image.

    overridden: an earlier rule sets the key. That is normal, so it is not logged.
    kept: the image has a tag of this key, which stays.
    """

    key: str
    rule: str
    why: str
    overridden: bool = False
    kept: bool = False


class TagPlan(NamedTuple):
    """All in table order. unchanged: tags that the image has already, which are not written again."""

    tags: Sequence[PlannedTag] = ()
    skipped: Sequence[SkippedTag] = ()
    unchanged: Sequence[PlannedTag] = ()

    @property
    def to_write(self) -> list[Tag]:
        return [planned.tag for planned in self.tags if not planned.audit]

    def filling_in(self) -> "TagPlan":
        """The same for an event that fills in: no tag of the image is overwritten, whatever the rules say."""
        return self._replace(tags=[planned._replace(keep=planned.keep or BY_EVENT) for planned in self.tags])

    @property
    def needs_existing_tags(self) -> bool:
        """Whether the image's tags must be read before any is written."""
        return any(planned.keep and not planned.audit for planned in self.tags)

    def without_existing(self, existing: Sequence[str]) -> "TagPlan":
        """What is left to write where the image has these tags, as image objects of IMS list them.

        Tags in audit mode stay in the plan.
        """
        tags, skipped, unchanged = list[PlannedTag](), list(self.skipped), list(self.unchanged)
        for planned in self.tags:
            value = None if planned.audit else existing_value(existing, planned.tag.key)
            if value == planned.tag.value:
                unchanged.append(planned)
            elif value is not None and planned.keep:
                why = f"the image has a tag of this key, and {planned.keep}"
                skipped.append(SkippedTag(planned.tag.key, planned.rule, why, kept=True))
            else:
                tags.append(planned)
        return TagPlan(tags, skipped, unchanged)

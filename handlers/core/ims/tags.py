"""Tags of an image, and the result of writing them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Tag(NamedTuple):
    key: str
    value: str


class FailedTag(NamedTuple):
    """A tag that was not written, because it was refused or, after another error, not tried."""

    tag: Tag
    error: Exception


class WriteResult(NamedTuple):
    """The result of writing the tags of an image.

    failed: the tags that were not written. request_ids: of the tag API's answers, for the vendor's support.
    batch_fallback: why the tags were written one by one instead of in a batch, or "".
    """

    failed: Sequence[FailedTag] = ()
    request_ids: Sequence[str] = ()
    batch_fallback: str = ""

    @classmethod
    def of_error(cls, tags: Sequence[Tag], error: Exception) -> "WriteResult":
        """No tag was written, because of this error."""
        request_id = getattr(error, "request_id", "")
        return cls([FailedTag(tag, error) for tag in tags], [request_id] if request_id else [])

    def summary(self, tags: Sequence[Tag]) -> str:
        """The keys of the tags that were written and of those that were not, in words."""
        failed = [failed.tag.key for failed in self.failed]
        written = [tag.key for tag in tags if tag.key not in failed]
        return f"written: {', '.join(written) or 'none'}; not written: {', '.join(failed)}"


def existing_value(existing: Iterable[str], key: str) -> str | None:
    """The value of a key in the list of an image's tags; None if the key is not there.

    Image objects list tags as `key.value` or as `key=value`. It is not published which region does what. With
    dots, `cost.center.42` can have the key `cost` or `cost.center`, and counts for both.
    """
    for text in existing:
        if text == key or text.startswith(key + ("=" if "=" in text else ".")):
            return text[len(key) + 1 :]
    return None

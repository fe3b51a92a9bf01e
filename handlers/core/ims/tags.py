"""Tags of an image, and how writing them went."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Tag(NamedTuple):
    key: str
    value: str


class FailedTag(NamedTuple):
    """A tag that was not written, be it refused or, after another error, not tried."""

    tag: Tag
    error: Exception


class WriteResult(NamedTuple):
    """What became of an image's tags when they were written.

    failed: the tags that are not there now. request_ids: of the tag API's answers, for the vendor's support.
    batch_fallback: why each tag had a call of its own although all were to share one; "" where that is not
    so.
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
        """Which of these tags are there now and which are not, in words, by their keys."""
        failed = [failed.tag.key for failed in self.failed]
        written = [tag.key for tag in tags if tag.key not in failed]
        return f"written: {', '.join(written) or 'none'}; not written: {', '.join(failed)}"


def existing_value(existing: Iterable[str], key: str) -> str | None:
    """The value of a key among an image's tags as texts; None where it has none.

    Image objects list tags as `key.value` or as `key=value`; which, is published for no region. With
    dots, `cost.center.42` can be of the key `cost` as well as of `cost.center`: it is taken for either.
    """
    for text in existing:
        if text == key or text.startswith(key + ("=" if "=" in text else ".")):
            return text[len(key) + 1 :]
    return None

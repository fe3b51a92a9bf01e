"""What follows from each error, and from several outcomes together."""

import math
from collections.abc import Iterator
from itertools import permutations, product
from typing import Literal

import pytest

from handlers.core import errors
from handlers.core.errors import TagApiError, TaggingError
from handlers.core.outcomes import (
    RETRY_AFTER_MAX,
    TABLE,
    Age,
    Kind,
    Outcome,
    OutcomeOverride,
    combine,
    outcome_of,
    row_for,
)

YOUNG = Age(60, not_ready_window=1800)
OLD = Age(7200, not_ready_window=1800)
NO_TIME = Age(None, not_ready_window=1800)

# The table as the design states it: what follows, and the seconds where the API names none.
Then = Literal["retry", "retry-within-window", "dead-letter"]
EXPECTED: dict[type[Exception], tuple[Then, float]] = {
    errors.InvalidEvent: ("dead-letter", 0),
    errors.ProjectNotServed: ("dead-letter", 0),
    errors.CreationFailed: ("dead-letter", 0),
    errors.DeliveryTooLarge: ("dead-letter", 0),
    errors.MissingAttribute: ("dead-letter", 0),
    errors.InvalidTag: ("dead-letter", 0),
    errors.RequestRejected: ("dead-letter", 0),
    errors.TagRefused: ("dead-letter", 0),
    errors.TagQuotaExceeded: ("dead-letter", 0),
    errors.ImageNotTaggable: ("dead-letter", 0),
    errors.OutOfTime: ("retry", 1),
    errors.ImageNotFound: ("retry-within-window", 10),
    errors.ImageNotReady: ("retry-within-window", 10),
    errors.JobRunning: ("retry", 10),
    errors.PermissionDenied: ("retry-within-window", 60),
    errors.CredentialsRejected: ("retry", 60),
    errors.Throttled: ("retry", 5),
    errors.TagApiUnavailable: ("retry", 1),
    errors.UnexpectedReply: ("retry", 1),
    errors.DeadLetterFailed: ("retry", 1),
    KeyError: ("retry", 10),
}
BY_API = [cls for cls in EXPECTED if issubclass(cls, TagApiError)]


def tree(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for below in cls.__subclasses__():
        yield from tree(below)


def drawing(cls: type[Exception], indent: str = "") -> Iterator[str]:
    """What stands below a class in its drawing."""
    children = cls.__subclasses__()
    for child in children:
        last = child is children[-1]
        yield f"{indent}{'└── ' if last else '├── '}{child.__name__}"
        yield from drawing(child, indent + ("    " if last else "│   "))


def of(cls: type[Exception], retry_after: float | None = None) -> Exception:
    return cls("words", retry_after=retry_after) if issubclass(cls, TagApiError) else cls("words")


# -- the table --------------------------------------------------------------------------------------


def test_the_drawing_is_the_tree() -> None:
    """The tree drawn in the docstring of core.errors is the tree of the classes."""
    assert errors.__doc__ is not None
    drawn = [
        line[4:]
        for line in errors.__doc__.splitlines()
        if line.startswith("    ") and "TaggingError" not in line
    ]
    assert drawn == list(drawing(TaggingError))


def test_every_leaf_has_a_row() -> None:
    """Each leaf of the tree has a row; beyond them only RequestRejected, raised itself, and what is a bug."""
    leaves = {cls for cls in tree(TaggingError) if not cls.__subclasses__()}
    assert set(TABLE) == leaves | {errors.RequestRejected, Exception}


def test_every_row_is_stated() -> None:
    """Each row of the table is stated here once more, a bug by one that stands for all."""
    assert {Exception if cls is KeyError else cls for cls in EXPECTED} == set(TABLE)


def test_every_row_says_why() -> None:
    """Only retries name seconds, and every row has its reason."""
    for row in TABLE.values():
        assert row.why
        assert (row.retry_after > 0) == (row.action != "dead-letter")


@pytest.mark.parametrize("cls", EXPECTED, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("age", [YOUNG, OLD, NO_TIME], ids=["young", "old", "no time"])
def test_outcomes(cls: type[Exception], age: Age) -> None:
    """Each error ends as its row says, some only while the event is young."""
    then, retry_after = EXPECTED[cls]
    got = outcome_of(of(cls), age, {})
    retried = then == "retry" or (then == "retry-within-window" and age is YOUNG)
    assert got.kind == ("retry" if retried else "dead-letter")
    assert got.retry_after == (retry_after if retried else 0)
    assert got.reason == cls.__name__


AGES: dict[str, tuple[Age, bool]] = {
    "new": (Age(0, 1800), True),
    "a clock behind": (Age(-200, 1800), True),
    "just young": (Age(1799.9, 1800), True),
    "just old": (Age(1800, 1800), False),
    "never waited for": (Age(0, 0), False),
    "no time": (Age(None, 1800), False),
    "no time, waited for ever": (Age(None, math.inf), False),
}


@pytest.mark.parametrize(("age", "within_window"), AGES.values(), ids=AGES)
def test_young(age: Age, within_window: bool) -> None:
    """An event is young below the limit, and never without a plausible time."""
    assert age.within_window is within_window


def test_a_dead_letter_of_age_says_so() -> None:
    """The reason of an event that was waited for in vain names its age, or that it has none."""
    assert outcome_of(of(errors.ImageNotFound), OLD, {}).message == (
        "words; the event is 7200 s old, and NOT_READY_WINDOW is 1800 s"
    )
    assert outcome_of(of(errors.ImageNotFound), NO_TIME, {}).message == (
        "words; the event has no plausible time, so it is not young"
    )
    assert outcome_of(of(errors.TagRefused), OLD, {}).message == "words"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (10_799, "10799 s"), (10_800, "3 hours"), (86_400, "24 hours"), (27_914_210, "323 days")],
)
def test_an_age_in_words(seconds: float, words: str) -> None:
    """A short one is in the unit of the window, a long one in hours or days."""
    assert str(Age(seconds, 1800)) == f"the event is {words} old, and NOT_READY_WINDOW is 1800 s"


@pytest.mark.parametrize("cls", BY_API, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    ("asked", "passed_on"),
    [(0, 0), (0.5, 0.5), (77, 77), (RETRY_AFTER_MAX, 3600), (3601, 3600), (10**9, 3600)],
)
def test_retry_after(cls: type[Exception], asked: float, passed_on: float) -> None:
    """What the API asks for is passed on up to an hour, and only with a retry."""
    got = outcome_of(of(cls, asked), YOUNG, {})
    assert got.retry_after == (passed_on if got.kind == "retry" else 0)


def test_code_and_rule_are_handed_on() -> None:
    """An outcome carries the code of the API and the rule, where they are the reason."""
    assert outcome_of(TagApiError("words", code="IMG.0035"), YOUNG, {}).code == "IMG.0035"
    assert outcome_of(errors.InvalidTag("words", rule="r", key="k"), YOUNG, {}).rule == "r"
    assert outcome_of(errors.InvalidEvent("words"), YOUNG, {}).code == ""


def test_words_of_a_bug_stay_in_the_log() -> None:
    """What an exception of no kind of ours says may hold anything, so no reply repeats it."""
    got = outcome_of(KeyError("s3cret"), YOUNG, {})
    assert "s3cret" not in got.message
    assert got.message


class Foreign(Exception):
    """As of a library, with attributes of the same names and other types."""

    code, rule, retry_after = 500, 7, "soon"


def test_attributes_of_a_bug_are_not_ours() -> None:
    """An exception of no kind of ours may name things as we do and mean others."""
    got = outcome_of(Foreign(), YOUNG, {})
    assert (got.kind, got.code, got.rule, got.retry_after) == ("retry", "", "", 10)


MOVED: dict[str, tuple[TagApiError, Age, OutcomeOverride, float]] = {
    "a dead letter to a retry": (errors.RequestRejected("", code="IMG.0035"), OLD, "retry", 10),
    "its own wait": (errors.RequestRejected("", code="IMG.0035", retry_after=7), OLD, "retry", 7),
    "a retry to a retry": (errors.Throttled("", code="IMG.0035"), OLD, "retry", 5),
    "no longer by age": (errors.ImageNotFound("", code="IMG.0035"), NO_TIME, "retry", 10),
    "a retry to a dead letter": (errors.Throttled("", code="img.0035"), YOUNG, "dead-letter", 0),
    "whatever its age": (errors.ImageNotFound("", code="IMG.0035"), YOUNG, "dead-letter", 0),
}


@pytest.mark.parametrize(("error", "age", "then", "retry_after"), MOVED.values(), ids=MOVED)
def test_moved_codes(error: TagApiError, age: Age, then: OutcomeOverride, retry_after: float) -> None:
    """A code that the rules table moves ends as the table says, and other codes as before."""
    got = outcome_of(error, age, {"IMG.0035": then})
    assert (got.kind, got.reason, got.retry_after) == (then, type(error).__name__, retry_after)
    assert outcome_of(error, age, {"IMG.0036": then}) == outcome_of(error, age, {})


def test_a_class_without_a_row_takes_the_nearest() -> None:
    """An error below a row ends as its nearest ancestor in the table does."""

    class Late(ConnectionError):
        pass

    assert row_for(Late()) is TABLE[Exception]
    assert row_for(TagApiError("words")) is TABLE[Exception]


# -- several in one ---------------------------------------------------------------------------------

RANK: tuple[Kind, ...] = ("retry", "dead-letter", "tagged", "nothing-to-tag", "ignored")

ONE_OF_EACH = [
    Outcome("retry", "Throttled", "slow down", "APIG.0308", retry_after=5),
    Outcome("retry", "ImageNotFound", "not yet", "IMG.0027", retry_after=10),
    Outcome("dead-letter", "InvalidTag", "no", rule="r"),
    Outcome("dead-letter", "TagRefused", "refused", "IMG.0115"),
    Outcome("tagged"),
    Outcome("nothing-to-tag"),
    Outcome("ignored", "OtherEvent", "another service"),
]
SEVERAL = [*product(ONE_OF_EACH, repeat=2), *product(ONE_OF_EACH, repeat=3)]


def test_none() -> None:
    """A delivery without events is accepted, and says so."""
    assert combine([]) == Outcome("ignored", "NoEvents", "the delivery holds no event")


@pytest.mark.parametrize("one", ONE_OF_EACH, ids=lambda one: one.reason or one.kind)
def test_one(one: Outcome) -> None:
    """One outcome stays as it is."""
    assert combine([one]) == one


def test_the_kind_of_several() -> None:
    """A retry wins over a dead letter, and that over what was done, in any order."""
    for some in SEVERAL:
        expected = min((one.kind for one in some), key=RANK.index)
        assert {combine(order).kind for order in permutations(some)} == {expected}, some


def test_the_wait_of_several() -> None:
    """Several wait as long as the retry that wants to wait longest, and only if they are retried."""
    for some in SEVERAL:
        assert combine(some).retry_after == max(one.retry_after for one in some), some


def test_several_are_throttled_only_if_all_retries_are() -> None:
    """The tag API throttled us only where nothing but that stands in the way."""
    for some in SEVERAL:
        retries = {one.reason for one in some if one.kind == "retry"}
        assert (combine(some).reason == "Throttled") == (retries == {"Throttled"}), some


def test_several_dead_letters() -> None:
    """Several dead letters say how many they are and give the first reason."""
    first, second = ONE_OF_EACH[2:4]
    got = combine([Outcome("tagged"), first, second])
    assert (got.kind, got.reason, got.rule) == ("dead-letter", "InvalidTag", "r")
    assert got.message == "2 dead letters, the first: no"

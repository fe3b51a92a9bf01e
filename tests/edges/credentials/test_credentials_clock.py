"""When credentials are renewed and when they pause, by a clock of the tests."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from handlers.core.errors import CredentialsRejected, ImageNotFound, TagApiError, TagApiUnavailable, Throttled
from handlers.edges.credentials.lockout import PAUSE, Lockout
from handlers.edges.credentials.refreshing import RefreshingProvider, lifetime
from handlers.edges.credentials.signature import Keys
from handlers.edges.http.client import Reply
from tests.support.log import Lines

T = TypeVar("T")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fetch:
    """Gives keys K-1, K-2, ... that live for an hour; or fails as told."""

    def __init__(self) -> None:
        self.times = 0
        self.error: TagApiError | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, _deadline: float) -> tuple[Keys, float]:
        self.times += 1
        assert self.gate.wait(5)
        if self.error:
            raise self.error
        return Keys(f"K-{self.times}", "secret"), 3600


def test_credentials_are_renewed_in_the_margin(log: Lines) -> None:
    """Not before it; and where that fails, the old ones serve until their end, and the log tells."""
    clock, fetch = Clock(), Fetch()
    renewed = RefreshingProvider(fetch, log, clock)

    def at(seconds: float) -> Any:
        clock.now = 1000 + seconds
        return renewed.current(clock.now + 5)

    assert [at(0).access, at(2999).access] == ["K-1", "K-1"]
    fetch.error = TagApiUnavailable("down")
    assert [at(3001).access, at(3002).access, fetch.times] == ["K-1", "K-1", 2]
    assert [line["message"] for line in log] == ["credentials.not_renewed"]
    assert [at(3599).access, fetch.times] == ["K-1", 3]
    with pytest.raises(TagApiUnavailable):
        at(3601)
    fetch.error = None
    assert at(3602).access == "K-5"


def test_one_thread_renews_and_the_others_go_on(log: Lines) -> None:
    """While the old one is valid nobody waits."""
    clock, fetch = Clock(), Fetch()
    renewed = RefreshingProvider(fetch, log, clock)
    renewed.current(2000)
    clock.now += 3001
    fetch.gate.clear()

    with ThreadPoolExecutor(1) as other:
        renewing = other.submit(renewed.current, 9999)
        while fetch.times < 2:
            time.sleep(0.001)
        meanwhile = renewed.current(9999)
        fetch.gate.set()
        new = renewing.result(5)

    assert (meanwhile, new) == (Keys("K-1", "secret"), Keys("K-2", "secret"))


@pytest.mark.parametrize("fails", [True, False], ids=["failure", "success"])
def test_those_who_wait_share_what_comes(log: Lines, *, fails: bool) -> None:
    """One call, whether it fails or not."""
    fetch = Fetch()
    renewed = RefreshingProvider(fetch, log)
    fetch.gate.clear()
    fetch.error = TagApiUnavailable("down") if fails else None

    def current() -> object:
        try:
            return renewed.current(time.monotonic() + 5)
        except TagApiUnavailable as error:
            return error

    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(current) for _ in range(8)]
        time.sleep(0.2)  # until all wait: a thread that came later would rightly try for itself
        fetch.gate.set()
        given = [each.result(5) for each in waiting]

    assert fetch.times == 1
    assert len({(type(each), str(each)) for each in given}) == 1


def test_waiting_ends_with_the_deadline(log: Lines) -> None:
    """An event does not wait longer for a renewal than for anything else."""
    fetch = Fetch()
    renewed = RefreshingProvider(fetch, log)
    fetch.gate.clear()

    with ThreadPoolExecutor(1) as other:
        renewing = other.submit(renewed.current, time.monotonic() + 5)
        while fetch.times < 1:
            time.sleep(0.001)
        with pytest.raises(TagApiUnavailable):
            renewed.current(time.monotonic() + 0.05)
        fetch.gate.set()
        renewing.result(5)


@pytest.mark.parametrize("off", [0, 7200, -7200])
def test_a_life_is_measured_by_the_clock_of_the_answer(off: float) -> None:
    """So that a wrong clock here ends nothing early or late."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(1_800_000_000 + off))
    end = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(1_800_000_000 + off + 3600))

    assert lifetime(end, Reply(201, {"Date": date}, b"")) == 3599


def refuse() -> None:
    raise CredentialsRejected("no", status=401)


def guarded(
    lockout: Lockout, fingerprint: str, deadline: float, call: Callable[[], T], *, last: bool, scope: str = ""
) -> T:
    """What a call gives that the lock-out surrounds."""
    with lockout.guard(fingerprint, deadline, last=last, scope=scope):
        return call()


def test_the_pause_ends(log: Lines) -> None:
    """After five minutes one call tries again; success ends it, failure begins the next."""
    clock = Clock()
    lockout = Lockout(log, clock)

    def run(call: Callable[[], object] = refuse, fingerprint: str = "a") -> int | None:
        try:
            guarded(lockout, fingerprint, clock.now + 5, call, last=True)
        except CredentialsRejected as error:
            return error.status
        return None

    assert [run(), run(), run(str, "b"), run(str)] == [401, 0, None, 0]
    clock.now += PAUSE
    assert [run(), run(str)] == [401, 0]
    clock.now += PAUSE
    assert [run(str), run(str)] == [None, None]
    assert len(log) == 2


def test_a_refusal_pauses_what_it_speaks_against(log: Lines) -> None:
    """The scope alone where the credentials are accepted and never were for it; else the credentials."""
    clock = Clock()
    lockout = Lockout(log, clock)

    def run(scope: str, call: Callable[[], object] = str) -> int | None:
        try:
            guarded(lockout, "a", clock.now + 5, call, last=True, scope=scope)
        except CredentialsRejected as error:
            lockout.give_up("a", scope)
            return error.status
        return None

    assert [run("one"), run("other", refuse), run("other"), run("one")] == [None, 401, 0, None]
    assert [run("one", refuse), run("one"), run("third")] == [401, 0, 0]
    clock.now += PAUSE
    assert [run("third", refuse), run("one")] == [401, 0]  # what was accepted before counts no longer
    assert [line["message"] for line in log] == ["credentials.refused"] * 3


def test_an_acceptance_meanwhile_counts(log: Lines) -> None:
    """A call for a scope that waited while the credentials were tried for another speaks against its own."""
    lockout, trying, accept = Lockout(log), threading.Event(), threading.Event()

    def accepted() -> None:
        trying.set()
        assert accept.wait(5)

    def run(scope: str, call: Callable[[], object]) -> object:
        return guarded(lockout, "a", time.monotonic() + 5, call, last=True, scope=scope)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run, "one", accepted)
        assert trying.wait(5)
        second = threads.submit(run, "other", refuse)
        accept.set()
        first.result(5)
        with pytest.raises(CredentialsRejected):
            second.result(5)

    assert run("one", lambda: "called") == "called"


def test_a_pause_is_told_when_nothing_else_is_left(log: Lines) -> None:
    """Not while a renewal may still help; then once, with the reason of the refusal."""
    lockout = Lockout(log)

    for _ in range(2):
        with pytest.raises(CredentialsRejected, match=r"^no$"):
            guarded(lockout, "a", time.monotonic() + 5, refuse, last=False)
    assert log == []
    lockout.give_up("a")
    lockout.give_up("a")

    assert [(line["message"], line["detail"]) for line in log] == [("credentials.refused", "no")]


def test_a_late_answer_for_old_credentials_changes_nothing(log: Lines) -> None:
    """Calls that were under way when newer credentials were accepted may still be refused."""
    lockout = Lockout(log)
    guarded(lockout, "old", time.monotonic() + 5, str, last=False)

    def while_another_is_accepted() -> None:
        guarded(lockout, "new", time.monotonic() + 5, str, last=False)
        refuse()

    with pytest.raises(CredentialsRejected):
        guarded(lockout, "old", time.monotonic() + 5, while_another_is_accepted, last=False)

    blocked = threading.Event()
    with ThreadPoolExecutor(1) as other:
        first = other.submit(
            guarded, lockout, "new", time.monotonic() + 5, lambda: blocked.wait(5), last=False
        )
        assert guarded(lockout, "new", time.monotonic() + 0.1, lambda: "beside it", last=False) == "beside it"
        blocked.set()
        first.result(5)


@pytest.mark.parametrize(
    "error", [TagApiUnavailable("down"), Throttled("slow", status=429)], ids=["unavailable", "throttled"]
)
def test_only_a_refusal_begins_a_pause(log: Lines, error: TagApiError) -> None:
    """And what is unproven stays so."""
    lockout = Lockout(log)

    def fail() -> None:
        raise error

    for _ in range(3):
        with pytest.raises(type(error)):
            guarded(lockout, "a", time.monotonic() + 5, fail, last=False)
    assert guarded(lockout, "a", time.monotonic() + 5, lambda: "called", last=False) == "called"
    assert log == []


def test_an_answer_of_ims_proves_the_credentials(log: Lines) -> None:
    """Also one that says no for another reason: the others no longer wait."""
    lockout = Lockout(log)

    def not_found() -> None:
        raise ImageNotFound("no", status=400, code="IMG.0027")

    with pytest.raises(ImageNotFound):
        guarded(lockout, "a", time.monotonic() + 5, not_found, last=False)

    def nested() -> str:
        return guarded(lockout, "a", time.monotonic() + 0.1, lambda: "beside it", last=False)

    assert guarded(lockout, "a", time.monotonic() + 5, nested, last=False) == "beside it"

"""What follows from a reply, and the settings of the subscription."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.nats import policy
from deploy.nats.policy import Outcome
from deploy.nats.settings import InvalidSettings, Settings, public
from tests.support.paths import ROOT

# --- what follows from a reply


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.ACCEPTED) for status in (200, 202, 204, 299)),
        *((status, Outcome.RETRY) for status in (None, 404, 408, 409, 429, 500, 503, 599)),
        *((status, Outcome.DEAD_LETTER) for status in (301, 307, 400, 401, 403, 405, 410, 413, 415, 422)),
    ],
    ids=str,
)
def test_outcome(status: int | None, outcome: Outcome) -> None:
    """2xx is accepted; what may go right later is delivered again; everything else is a dead letter."""
    assert policy.outcome_of(status, attempt=1, attempts=2) is outcome


@pytest.mark.parametrize("status", [503, None], ids=["reply", "no reply"])
def test_last_attempt(status: int | None) -> None:
    """What would be delivered again is a dead letter when its attempts are used up."""
    assert policy.outcome_of(status, attempt=2, attempts=2) is Outcome.DEAD_LETTER


def test_attempts_last_a_day() -> None:
    """If nobody sets ATTEMPTS, the shortest waits that chance can bring are a day in all."""
    attempts = Settings.from_environ(SETTINGS).attempts
    assert sum(policy.longest_back_off(attempt) / 2 for attempt in range(1, attempts)) >= 24 * 60 * 60


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (5000, 300)], ids=str
)
def test_back_off(attempt: int, longest: float) -> None:
    """The back-off doubles from 1 s to 5 minutes, and chance takes up to a half of it."""
    assert all(longest / 2 <= policy.back_off(attempt) <= longest for _ in range(100))


NOW = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("99999999999", 3600),
        ("9" * 400, 3600),
        ("Mon, 05 Jan 99999999999999999999 10:15:37 GMT", None),
        ("Mon, 05 Jan 2026 10:15:37 +99999999999999999999", None),
        ("Mon, 05 Jan 2026 10:15:37 GMT", 7),
        ("Mon, 05 Jan 2026 10:15:37 -0000", 7),
        ("Mon, 05 Jan 2026 10:15:00 GMT", 0),
        ("Tue, 06 Jan 2026 10:15:00 GMT", 3600),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
    ids=repr,
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Retry-After is seconds or an HTTP date, at most an hour; anything else says nothing."""
    assert policy.retry_after(value, NOW) == seconds


PARTS_OF_DATES = ["Mon,", "05", "Jan", "2026", "10:15:37", "GMT", "-0000", "9" * 20, "-1", "+", ":", "(", "é"]


@given(st.text() | st.lists(st.sampled_from(PARTS_OF_DATES)).map(" ".join))
def test_any_retry_after(value: str) -> None:
    """Whatever a subscriber writes, Retry-After is from 0 seconds to an hour, or says nothing."""
    seconds = policy.retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600


# --- settings


SETTINGS = {"SUBSCRIBER_URL": "http://function:8080/"}


def test_default_settings() -> None:
    """Only the subscriber's URL is required."""
    settings = Settings.from_environ(SETTINGS)
    assert settings == Settings(("nats://127.0.0.1:4222",), "http://function:8080/", 16, 600, 30, 1048576)


def test_several_servers() -> None:
    """NATS_URL may list the servers of a cluster."""
    assert Settings.from_environ(SETTINGS | {"NATS_URL": "nats://a, tls://u:p@b:1"}).nats_urls == (
        "nats://a",
        "tls://u:p@b:1",
    )


class Recording(dict[str, str]):
    """Remembers which names were asked for."""

    def __init__(self, content: Mapping[str, str]) -> None:
        super().__init__(content)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)


def test_documented_settings() -> None:
    """The page lists every setting, and gives the default of each."""
    page = (ROOT / "deploy" / "nats" / "README.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+)`? \|", page, re.MULTILINE))
    environ = Recording(SETTINGS)
    settings = Settings.from_environ(environ)
    assert documented.keys() == set(environ.asked)
    assert documented.pop("SUBSCRIBER_URL") == "required"
    assert documented.pop("NATS_URL") == ",".join(settings.nats_urls)
    assert documented.pop("SUBSCRIBER_TOKEN_FILE") == "none"
    for name, default in documented.items():
        assert default == str(getattr(settings, name.lower()) or "none")


def test_documented_reasons() -> None:
    """The names that the page gives for reasons of our own are those of the log lines."""
    page = (ROOT / "deploy" / "nats" / "README.md").read_text(encoding="utf-8")
    reasons = re.findall(r"^\| `([A-Z][a-z]+[A-Za-z]+)` \|", page, re.MULTILINE)
    source = "".join(path.read_text() for path in (ROOT / "deploy" / "nats").rglob("*.py"))
    assert len(reasons) == 7
    assert [reason for reason in reasons if f'"{reason}"' not in source] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUBSCRIBER_URL", ""),
        ("SUBSCRIBER_URL", "function:8080"),
        ("SUBSCRIBER_URL", "ftp://function/"),
        ("SUBSCRIBER_URL", "http://"),
        ("SUBSCRIBER_URL", "http://function:port/"),
        ("SUBSCRIBER_URL", "http://a b/"),
        ("SUBSCRIBER_URL", "http://function/\udcff"),
        ("SUBSCRIBER_URL", "http://function:65536/"),
        ("SUBSCRIBER_URL", "http://a..b/"),
        ("SUBSCRIBER_URL", f"http://{'a' * 64}/"),
        ("SUBSCRIBER_URL", "http://a%b/"),
        ("SUBSCRIBER_URL", "http://[::1/"),
        ("SUBSCRIBER_URL", "http://[::x]/"),
        ("NATS_URL", ""),
        ("NATS_URL", "nats://a,,nats://b"),
        ("NATS_URL", f"nats://{'a' * 64}"),
        ("NATS_CREDS", ""),
        ("NATS_CA", " "),
        ("SUBSCRIBER_TOKEN_FILE", ""),
        ("ATTEMPTS", ""),
        ("ATTEMPTS", "9" * 5000),
        ("PARALLEL", "0"),
        ("PARALLEL", "257"),
        ("ATTEMPTS", "many"),
        ("DELIVERY_TIMEOUT", "1.5"),
        ("MAX_EVENT_BYTES", "1 MB"),
    ],
)
def test_malformed_setting(name: str, value: str) -> None:
    """A malformed setting stops the start with one sentence that names it."""
    with pytest.raises(InvalidSettings, match=rf"^{name} must be .*\.$"):
        Settings.from_environ(SETTINGS | {name: value})


def test_public_url() -> None:
    """User information, query and fragment may be secrets; host, port and path are not."""
    assert public("https://u:p@[::1]:8080/in?token=x#y") == "https://[::1]:8080/in"

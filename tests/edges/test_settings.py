"""Each setting of the function: what it may be, its names, and what the log tells of it."""

from operator import attrgetter
from pathlib import Path

import pytest

from handlers.edges.settings import InvalidSetting, Settings, StaticToken, empty, misspelt, settings_fields
from handlers.edges.settings.settings import NAMES
from tests.support.pages import table
from tests.support.settings_read import READ, WAYS

SECRET = "canary-of-the-start"
GOOD = {"IMS_ENDPOINT": "https://ims.eu-de.otc.t-systems.com", "OS_TOKEN": SECRET}

# -- each setting -----------------------------------------------------------------------------------

FAULTS = {
    "IMS_ENDPOINT": [
        *(
            "",
            "  ",
            "ims.eu-de.otc.t-systems.com",
            "ftp://ims.example",
            "https://",
            "https:///",
            "//ims.example",
        ),
        *(
            "https://ims.example/v1",
            "https://ims.example/?a=b",
            "https://ims.example#a",
            "https://ims.example?",
        ),
        *(f"https://user:{SECRET}@ims.example", f"https://:{SECRET}@ims.example", "https://ims.example//"),
        *("https://ims.example:99999", "https://ims.example:0", "https://ims.example:x", "https://[::1"),
        *(
            "https://ims example",
            "https://*.example",
            "https://.example",
            "https://ims..example",
            "https://é.example",
        ),
    ],
    "OS_TOKEN": ["", " ", "two words", "two\nlines", "tab\tulator", "é", "\x7f", f"{SECRET}\r\nX-Other: 1"],
    "RULES": ["no-such-file.toml", "handlers", "x" * 5000],
    "TAG_FORM": ["tags", "image-tag", "1"],
    "NOT_READY_WINDOW": ["-1", "86401", "nan", "inf", "1h", "1e9", "0x10"],
    "EVENT_TIMEOUT": ["0", "0.9", "901", "nan", "-inf", "20s", SECRET],
    "MAX_BODY_BYTES": ["0", "1023", "1e12", "1M", "nan"],
    "IMAGE_CREATED_TYPES": ["a**b"],
    "IMS_PROXY": ["proxy", "socks5://proxy", f"http://user:{SECRET}@", f"http://user:{SECRET}@proxy:99999"],
    "OS_CACERT": ["no-such-file.pem", "handlers", "handlers/rules.toml"],
    "EVENTS_TOKEN": ["", " ", "\n", "é", f"{SECRET}\x7f"],
    "DEAD_LETTER_SINK": [
        "here",
        "file:///no/such/folder/letters",
        "file:///",
        "file:///dev/null",
        *("file:///tmp/letters?x", "file:///tmp/letters#y", "file:///tmp/letters?", "file:///tmp/a\tb"),
        *("file:///tmp/letters%00", "file:///tmp/%2e%2e/no%20such/letters", "file://host/tmp/letters"),
        f"https://{SECRET}@",
    ],
    "LOG_LEVEL": ["verbose", "warn", "0", SECRET],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value[:40]!a}")
        for name, values in FAULTS.items()
        for value in values
    ],
)
def test_a_malformed_setting_stops_the_start(name: str, value: str) -> None:
    """One line names the setting and says what it has to be, and never a secret."""
    with pytest.raises(InvalidSetting) as raised:
        Settings.from_environ(GOOD | {name: value})

    message = str(raised.value)
    assert message.startswith(f"{name} ")
    assert len(message.removeprefix(name)) > len(" is wrong")
    assert message.isprintable()
    assert SECRET not in message


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_stops_the_start(name: str) -> None:
    """The message shows how to set it."""
    given = {other: value for other, value in GOOD.items() if other != name}

    with pytest.raises(InvalidSetting, match=f"^{name} is not set; set it to "):
        Settings.from_environ(given)


@pytest.mark.parametrize(
    ("given", "name", "read"),
    [
        pytest.param({}, "ims_endpoint", "https://ims.eu-de.otc.t-systems.com", id="endpoint"),
        pytest.param(
            {"IMS_ENDPOINT": "HTTPS://Ims.Example:8443/"}, "ims_endpoint", "https://Ims.Example:8443", id="/"
        ),
        pytest.param({"IMS_ENDPOINT": "http://[::1]:80"}, "ims_endpoint", "http://[::1]:80", id="IPv6"),
        pytest.param({"TAG_FORM": "TAG"}, "tag_form", "tag", id="capitals"),
        pytest.param({"TAG_FORM": " "}, "tag_form", "image_tag", id="blank is the default"),
        pytest.param({"NOT_READY_WINDOW": "0"}, "not_ready_window", 0, id="no window"),
        pytest.param({"EVENT_TIMEOUT": "1.5"}, "delivery.event_timeout", 1.5, id="fraction"),
        pytest.param({"MAX_BODY_BYTES": "1024"}, "delivery.max_body_bytes", 1024, id="bytes"),
        pytest.param({}, "proxy", None, id="no proxy"),
        pytest.param({}, "delivery.events_tokens", None, id="no tokens of events"),
        pytest.param({"LOG_LEVEL": "Warning"}, "delivery.log_level", "warning", id="level"),
    ],
)
def test_settings_are_read(given: dict[str, str], name: str, read: object) -> None:
    """What is well formed is taken, without the white space around it."""
    assert attrgetter(name)(Settings.from_environ(GOOD | given)) == read


def test_a_path_in_place_of_an_address_of_a_file() -> None:
    """The sentence holds the address to write; a path with a line's end in it is not repeated."""
    with pytest.raises(InvalidSetting, match=r"^DEAD_LETTER_SINK is a path; write file:///var/letters$"):
        Settings.from_environ(GOOD | {"DEAD_LETTER_SINK": "/var/letters"})
    with pytest.raises(InvalidSetting, match=r"write file:///var/a%20b%3Fc$"):
        Settings.from_environ(GOOD | {"DEAD_LETTER_SINK": "/var/a b?c"})
    with pytest.raises(InvalidSetting, match=r"^DEAD_LETTER_SINK must be an address"):
        Settings.from_environ(GOOD | {"DEAD_LETTER_SINK": "/var/let\nters"})


# -- names ------------------------------------------------------------------------------------------


def test_every_setting_is_known_by_name() -> None:
    """A name that the settings ask for and the list lacks would be called misspelt."""
    assert NAMES == READ


MISSPELT = {
    "TAGFORM": "TAG_FORM",
    "TAG-FORM": "TAG_FORM",
    "tag_form": "TAG_FORM",
    "TAG_FROM": "TAG_FORM",
    "DEADLETTER_SINK": "DEAD_LETTER_SINK",
    "DEAD_LETTERS_SINK": "DEAD_LETTER_SINK",
    "EVENT_TIMEOUT_SECONDS": "EVENT_TIMEOUT",
    "EVNT_TIMEOUT": "EVENT_TIMEOUT",
    "LOG_LEBEL": "LOG_LEVEL",
    "RULE": "RULES",
    "RULES_FILE": "RULES",
    "PROJECT": "PROJECTS",
    "OS_PASWORD_FILE": "OS_PASSWORD_FILE",
    "MIS_ENDPOINT": "IMS_ENDPOINT",
    "IMS_ENDPOINTT": "IMS_ENDPOINT",
}


@pytest.mark.parametrize(("name", "meant"), MISSPELT.items(), ids=MISSPELT)
def test_a_misspelt_name_is_noticed(name: str, meant: str) -> None:
    """The sentence names the setting that was meant, and holds no value."""
    assert [*misspelt({name: SECRET})] == [f"{name} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "HOST", "PORT", "WORKERS", "THREADS", "ROLES", "LANG", "PWD", "_", "", "RÜLES"),
        *("OS_REGION_NAME", "OS_CLOUD", "OS_IDENTITY_API_VERSION", "OS_PROJECT_DOMAIN_NAME", "OS_AUTH_TYPE"),
        *("RULES_SERVICE_HOST", "RULES_PORT", "IMS_PROXY_PORT_8080_TCP_ADDR", "TAG\nFORM", *sorted(NAMES)),
    ],
)
def test_other_names_are_left_alone(name: str) -> None:
    """A warning at every start that is about nothing would hide those that matter."""
    assert [*misspelt({name: "x"})] == []


def test_a_name_is_not_misspelt_beside_the_right_one() -> None:
    """Somebody has set both, and the second belongs to something else."""
    assert [*misspelt({"PROJECT": "x", "PROJECTS": "y"})] == []


def test_an_empty_setting_is_noticed() -> None:
    """It is easily taken for one that is set."""
    assert [*empty({"TAG_FORM": " ", "RULES": "x", "EDITOR": ""})] == [
        "TAG_FORM is empty, which is the same as not set; give it a value, or remove it"
    ]


# -- what the log tells of them ---------------------------------------------------------------------


def test_each_way_of_authentication_has_its_name() -> None:
    """The log line of a good start calls it what the page does."""
    named = {
        str(settings_fields(Settings.from_environ(GOOD | {"OS_TOKEN": ""} | way))["credentials"])
        for way in [*WAYS, {name: value for name, value in WAYS[2].items() if "AGENCY" not in name}]
    }
    assert named == {row[0] for row in table("Credentials") if row[0] != "projects"}


def test_settings_do_not_show_secrets() -> None:
    """A value that is printed by accident tells neither the token nor the proxy's password."""
    settings = Settings.from_environ(
        GOOD
        | {
            "IMS_PROXY": f"http://user:{SECRET}@proxy",
            "DEAD_LETTER_SINK": f"http://user:{SECRET}@sink/{SECRET}?{SECRET}#{SECRET}",
            "EVENTS_TOKEN": SECRET,
        }
    )

    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.delivery)
    assert SECRET not in repr(settings_fields(settings))


@pytest.mark.parametrize(
    ("endpoint", "clear"),
    [
        pytest.param("http://ims.example", True, id="http"),
        pytest.param("http://10.0.0.1", True, id="private address"),
        pytest.param("http://localhost.example", True, id="no localhost"),
        pytest.param("https://ims.example", False, id="https"),
        pytest.param("http://localhost:8080", False, id="localhost"),
        pytest.param("http://127.0.0.1:8080", False, id="loopback"),
        pytest.param("http://[::1]:8080", False, id="IPv6 loopback"),
        pytest.param("http://127.example.com", True, id="a name that begins like one"),
    ],
)
def test_credentials_in_clear_are_noticed(endpoint: str, *, clear: bool) -> None:
    """Plain HTTP is for this machine alone."""
    assert Settings.from_environ(GOOD | {"IMS_ENDPOINT": endpoint}).sends_credentials_in_clear is clear


def test_a_token_can_come_from_a_file(tmp_path: Path) -> None:
    """As orchestrators mount secrets, with a line's end or without."""
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n", encoding="ascii")

    settings = Settings.from_environ({"IMS_ENDPOINT": GOOD["IMS_ENDPOINT"], "OS_TOKEN_FILE": str(file)})

    assert isinstance(settings.credentials, StaticToken)
    assert settings.credentials.token() == SECRET


@pytest.mark.parametrize(
    ("content", "also", "message"),
    [
        pytest.param(b"", {}, "OS_TOKEN is not set", id="empty"),
        pytest.param(b"two words", {}, "OS_TOKEN is malformed", id="two words"),
        pytest.param(b"\xff\xfe", {}, "OS_TOKEN_FILE names a file that cannot be read", id="no text"),
        pytest.param(None, {}, "OS_TOKEN_FILE names a file that cannot be read", id="no file"),
        pytest.param(b"token", {"OS_TOKEN": "token"}, "OS_TOKEN and OS_TOKEN_FILE are both set", id="both"),
    ],
)
def test_a_token_file_has_to_hold_one(
    tmp_path: Path, content: bytes | None, also: dict[str, str], message: str
) -> None:
    """A file that is there too early, too late or beside the setting is a fault of its own."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    given = {"IMS_ENDPOINT": GOOD["IMS_ENDPOINT"], "OS_TOKEN_FILE": str(file), **also}

    with pytest.raises(InvalidSetting, match=message):
        Settings.from_environ(given)

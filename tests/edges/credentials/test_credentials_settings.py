"""Which way of authentication the settings choose, and what they refuse."""

from pathlib import Path

import pytest

from handlers.edges.settings import (
    CredentialSource,
    EcsAgency,
    FunctionGraphAgency,
    InvalidSetting,
    Password,
    Settings,
    StaticKeys,
    StaticToken,
)

CANARY = "canary-of-the-settings"
ENDPOINT = {"IMS_ENDPOINT": "https://ims.eu-de.otc.t-systems.com"}
ONE = {"PROJECTS": "0123456789abcdef0123456789abcdef"}
TOKEN = {"OS_TOKEN": CANARY}
KEYS = {"OS_ACCESS_KEY": CANARY, "OS_SECRET_KEY": CANARY}
VENDOR_KEYS = {"HUAWEICLOUD_SDK_AK": CANARY, "HUAWEICLOUD_SDK_SK": CANARY}
PASSWORD = {
    "OS_AUTH_URL": "https://iam.eu-de.otc.t-systems.com/v3",
    "OS_USERNAME": "ada",
    "OS_PASSWORD": CANARY,
    "OS_USER_DOMAIN_NAME": "OTC-EU-DE-1",
}
AGENCY = {"OS_AGENCY_NAME": "tagger", "OS_AGENCY_DOMAIN_NAME": "other"}


def settings(**given: str) -> Settings:
    return Settings.from_environ(ENDPOINT | given)


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param(TOKEN, StaticToken, id="token"),
        pytest.param({"OS_AUTH_TOKEN": CANARY}, StaticToken, id="token, by its other name"),
        pytest.param(KEYS | ONE, StaticKeys, id="keys"),
        pytest.param(VENDOR_KEYS | {"HUAWEICLOUD_SDK_PROJECT_ID": "p-1"}, StaticKeys, id="keys of the SDK"),
        pytest.param(PASSWORD | ONE, Password, id="password"),
        pytest.param(PASSWORD | {"OS_PROJECT_NAME": "eu-de"}, Password, id="password and a project's name"),
        pytest.param(PASSWORD | AGENCY | ONE, Password, id="agency"),
        pytest.param(ONE | {"CREDENTIALS": "ecs"}, EcsAgency, id="ecs"),
        pytest.param(ONE | {"CREDENTIALS": "FunctionGraph"}, FunctionGraphAgency, id="functiongraph"),
    ],
)
def test_what_is_set_chooses(given: dict[str, str], source: type[CredentialSource]) -> None:
    """Each set of names that users have is one way, and its `repr` tells no secret."""
    read = settings(**given)

    assert type(read.credentials) is source
    assert CANARY not in repr(read)


def test_a_password_is_read() -> None:
    """The version of the identity service's address is left to the calls."""
    user = settings(**PASSWORD, **AGENCY, OS_PROJECT_NAME="eu-de").credentials

    assert isinstance(user, Password)
    assert user[:] == (
        *("https://iam.eu-de.otc.t-systems.com", "ada", user.password, "OTC-EU-DE-1", "eu-de"),
        ("tagger", "other"),
    )
    assert user.password() == CANARY


@pytest.mark.parametrize(
    ("given", "projects"),
    [
        pytest.param({"PROJECTS": "p-1"}, ("p-1",), id="one"),
        pytest.param({"PROJECTS": " p-1\np-2 p-1 "}, ("p-1", "p-2"), id="several"),
        pytest.param({"OS_PROJECT_ID": "p-1"}, ("p-1",), id="by the name of OpenStack"),
        pytest.param({"PROJECTS": "p-1", "OS_PROJECT_ID": "p-1"}, ("p-1",), id="twice the same"),
    ],
)
def test_projects_are_read(given: dict[str, str], projects: tuple[str, ...]) -> None:
    """In any of the names for them, each once."""
    assert settings(**KEYS, **given).projects == projects


@pytest.mark.parametrize("given", [TOKEN, PASSWORD | {"OS_PROJECT_NAME": "eu-de"}], ids=["token", "name"])
def test_projects_can_be_left_out_where_the_credentials_are_for_one(given: dict[str, str]) -> None:
    """A token has its project in it, and a name is one."""
    assert settings(**given).projects == ()


@pytest.mark.parametrize(
    ("address", "clear"),
    [("http://iam.example/v3", True), ("http://127.0.0.1:9/v3", False)],
    ids=["http", "here"],
)
def test_a_password_in_clear_is_noticed(address: str, *, clear: bool) -> None:
    """The identity service gets the password itself."""
    assert settings(**PASSWORD | ONE | {"OS_AUTH_URL": address}).sends_credentials_in_clear is clear


REFUSED = {
    "none": ({}, "OS_TOKEN is not set; set it to "),
    "token and keys": (TOKEN | KEYS | ONE, "OS_TOKEN and OS_ACCESS_KEY are set"),
    "token and password": (TOKEN | PASSWORD | ONE, "OS_TOKEN and OS_USERNAME are set"),
    "keys and password": (KEYS | PASSWORD | ONE, "OS_ACCESS_KEY and OS_USERNAME are set"),
    "keys and ecs": (KEYS | ONE | {"CREDENTIALS": "ecs"}, "OS_ACCESS_KEY and CREDENTIALS are set"),
    "three ways": (
        TOKEN | KEYS | PASSWORD | ONE,
        "OS_TOKEN and OS_ACCESS_KEY and OS_USERNAME are set, and each is a way to authenticate; keep one",
    ),
    "two names that differ": (
        KEYS | ONE | {"HUAWEICLOUD_SDK_AK": "another"},
        "OS_ACCESS_KEY and HUAWEICLOUD_SDK_AK are two names for one setting, with different values; keep one",
    ),
    "setting and file": (TOKEN | {"OS_TOKEN_FILE": "x"}, "OS_TOKEN and OS_TOKEN_FILE are both set; keep one"),
    "no secret key": ({"OS_ACCESS_KEY": CANARY} | ONE, "OS_SECRET_KEY is not set; it belongs to "),
    "no access key": ({"HUAWEICLOUD_SDK_SK": CANARY} | ONE, "OS_ACCESS_KEY is not set; it belongs to "),
    "malformed key": (KEYS | ONE | {"OS_ACCESS_KEY": "a b"}, "OS_ACCESS_KEY is malformed"),
    "keys without project": (KEYS, "PROJECTS is not set; set it to "),
    "ecs without project": ({"CREDENTIALS": "ecs"}, "PROJECTS is not set; set it to "),
    "password without project": (PASSWORD, "PROJECTS is not set; set it to "),
    "project that is none": (KEYS | {"PROJECTS": "a/b"}, "PROJECTS is malformed"),
    "several projects, one token": (TOKEN | {"PROJECTS": "p-1 p-2"}, "PROJECTS lists several projects"),
    "no such way": (ONE | {"CREDENTIALS": "magic"}, "CREDENTIALS must be one of ecs, functiongraph"),
    "a key for a way": (ONE | {"CREDENTIALS": CANARY}, "CREDENTIALS must be one of ecs, functiongraph"),
    "a token for a file": ({"OS_TOKEN_FILE": CANARY}, "OS_TOKEN_FILE names a file that cannot be read"),
    "a file for a name": (
        PASSWORD | ONE | {"OS_USERNAME": "", "OS_USERNAME_FILE": CANARY},
        "OS_USERNAME is not set; it belongs to ",
    ),
    "a file for projects": (KEYS | {"PROJECTS_FILE": CANARY}, "PROJECTS is not set; set it to "),
    "no identity service": (PASSWORD | ONE | {"OS_AUTH_URL": ""}, "OS_AUTH_URL is not set; set it to "),
    "a path": (PASSWORD | ONE | {"OS_AUTH_URL": "https://iam/v2.0"}, "OS_AUTH_URL must be an address"),
    "no domain": (PASSWORD | ONE | {"OS_USER_DOMAIN_NAME": ""}, "OS_USER_DOMAIN_NAME is not set; it belongs"),
    "no password": (PASSWORD | ONE | {"OS_PASSWORD": ""}, "OS_PASSWORD is not set; it belongs to "),
    "half an agency": (PASSWORD | ONE | {"OS_AGENCY_NAME": "x"}, "OS_AGENCY_DOMAIN_NAME is not set; it "),
    "an agency alone": (KEYS | ONE | AGENCY, "OS_AGENCY_NAME is set without OS_USERNAME and OS_PASSWORD"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_exactly_one_way_stops_the_start(given: dict[str, str], message: str) -> None:
    """One sentence that names the settings and says what to do, without their values."""
    with pytest.raises(InvalidSetting) as raised:
        settings(**given)

    assert str(raised.value).startswith(message)
    assert CANARY not in str(raised.value)


SECRETS = {
    "OS_TOKEN": {},
    "OS_AUTH_TOKEN": {},
    "OS_PASSWORD": PASSWORD | ONE,
    "EVENTS_TOKEN": TOKEN,
    "PSEUDONYM_KEY": TOKEN,
    "OS_ACCESS_KEY": KEYS | ONE,
    "OS_SECRET_KEY": KEYS | ONE,
    "OS_SECURITY_TOKEN": KEYS | ONE,
    "HUAWEICLOUD_SDK_AK": VENDOR_KEYS | ONE,
    "HUAWEICLOUD_SDK_SK": VENDOR_KEYS | ONE,
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": VENDOR_KEYS | ONE,
}


@pytest.mark.parametrize(("name", "beside"), SECRETS.items(), ids=SECRETS)
def test_every_secret_can_be_in_a_file(tmp_path: Path, name: str, beside: dict[str, str]) -> None:
    """Its file is read at the start, and what NAME_FILE says is not told where it cannot be."""
    file = tmp_path / "secret"
    file.write_text(CANARY * 2)

    settings(**beside | {name: "", f"{name}_FILE": str(file)})
    with pytest.raises(InvalidSetting, match=f"^{name}_FILE names a file that cannot be read$"):
        settings(**beside | {name: "", f"{name}_FILE": CANARY})


@pytest.mark.parametrize("name", ["OS_USERNAME", "OS_DOMAIN_NAME", "OS_PROJECT_NAME", "PROJECTS", *AGENCY])
def test_the_file_of_what_is_no_secret_means_nothing(name: str) -> None:
    """It neither chooses a way nor differs from another name of the same setting."""
    given = TOKEN if name == "OS_USERNAME" else PASSWORD | {"OS_TENANT_NAME": "eu-de"}

    assert settings(**given, **{f"{name}_FILE": "x"}).projects == ()


def test_secrets_can_come_from_files_that_change(tmp_path: Path) -> None:
    """A rewritten file is read anew; one that is gone, empty or malformed leaves what was there."""
    file = tmp_path / "password"
    file.write_text("first word\n")
    user = settings(**PASSWORD | ONE | {"OS_PASSWORD": "", "OS_PASSWORD_FILE": str(file)}).credentials
    assert isinstance(user, Password)

    seen = [user.password()]
    for content in ("second", "", "two\nlines", None, "third"):
        file.unlink()
        if content is not None:
            file.write_text(content)
        seen.append(user.password())
        file.touch()

    assert seen == ["first word", "second", "second", "second", "second", "third"]

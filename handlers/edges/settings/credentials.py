"""Where the credentials for the tag API come from: the possible sources, and the one that is set.

Users of these clouds know the names: the tools of OpenStack and Open Telekom Cloud read `OS_*`, and the
vendor's SDK reads `HUAWEICLOUD_SDK_*`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from handlers.edges.settings.parsers import (
    InvalidSetting,
    given,
    identity_service,
    is_set,
    one_line,
    one_of,
    read,
    secret,
)
from handlers.edges.settings.secret import Secret

LINK_LOCAL = "http://169.254.169.254"


class StaticToken(NamedTuple):
    """A token that somebody else renews."""

    token: Secret


class StaticKeys(NamedTuple):
    """An access key and its secret key. Temporary keys have a security token."""

    access: Secret
    secret: Secret
    security_token: Secret | None


class Password(NamedTuple):
    """A user that gets tokens from the identity service at `auth_url`.

    project_name: the scope if no projects are listed. agency: its name and the account that it acts in.
    """

    auth_url: str
    username: str
    password: Secret
    domain_name: str
    project_name: str | None
    agency: tuple[str, str] | None


class EcsAgency(NamedTuple):
    """The agency of the machine, an Elastic Cloud Server. Its metadata service has the keys."""

    address: str = LINK_LOCAL


class FunctionGraphAgency(NamedTuple):
    """The agency of the function in FunctionGraph, which sends the keys with each request."""


CredentialSource = StaticToken | StaticKeys | Password | EcsAgency | FunctionGraphAgency

TOKEN = ("OS_TOKEN", "OS_AUTH_TOKEN")
ACCESS = ("OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK")
SECRET = ("OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK")
SECURITY_TOKEN = ("OS_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
USER = ("OS_USERNAME", "OS_PASSWORD")
DOMAIN = ("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME")
PROJECT_NAME = ("OS_PROJECT_NAME", "OS_TENANT_NAME")
PROJECTS = ("PROJECTS", "OS_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID")
AGENCY = ("OS_AGENCY_NAME", "OS_AGENCY_DOMAIN_NAME")


def credential_source(environ: Mapping[str, str]) -> CredentialSource:
    """The one source that is set. Raises InvalidSetting for none, for half of one, and for several."""
    deciding = (TOKEN, (*ACCESS, *SECRET), USER, ("CREDENTIALS",))
    chosen = [name for names in deciding if (name := next((n for n in names if is_set(environ, n)), None))]
    if len(chosen) > 1:
        raise InvalidSetting(f"{' and '.join(chosen)} are set, and each is a way to authenticate; keep one")
    decided = chosen[0] if chosen else ""
    if decided not in USER and any(is_set(environ, name) for name in AGENCY):
        raise InvalidSetting(
            f"{AGENCY[0]} is set without {' and '.join(USER)}, and only a user can act as an agency"
        )
    if decided in USER:
        return _password(environ)
    if decided in (*ACCESS, *SECRET):
        temporary = any(is_set(environ, name) for name in SECURITY_TOKEN)
        return StaticKeys(
            secret(environ, _either(environ, ACCESS)),
            secret(environ, _either(environ, SECRET)),
            secret(environ, _either(environ, SECURITY_TOKEN)) if temporary else None,
        )
    if decided == "CREDENTIALS":
        kind = read(environ, "CREDENTIALS", one_of("ecs", "functiongraph"))
        return EcsAgency() if kind == "ecs" else FunctionGraphAgency()
    return StaticToken(secret(environ, _either(environ, TOKEN)))


def projects_of(environ: Mapping[str, str], source: CredentialSource) -> tuple[str, ...]:
    """The projects that are served; none if the credentials are for one project anyway.

    Raises InvalidSetting.
    """
    optional = isinstance(source, StaticToken) or (isinstance(source, Password) and source.project_name)
    if optional and not any(is_set(environ, name) for name in PROJECTS):
        return ()
    name = _either(environ, PROJECTS)
    projects = read(environ, name, _projects)
    if isinstance(source, StaticToken) and len(projects) > 1:
        raise InvalidSetting(f"{name} lists several projects, and {TOKEN[0]} is a token for one; keep one")
    return projects


def _password(environ: Mapping[str, str]) -> Password:
    agency = [read(environ, name, one_line) for name in AGENCY if any(is_set(environ, n) for n in AGENCY)]
    name = _either(environ, PROJECT_NAME)
    return Password(
        auth_url=read(environ, "OS_AUTH_URL", identity_service),
        username=read(environ, "OS_USERNAME", one_line),
        password=secret(environ, "OS_PASSWORD", one_line),
        domain_name=read(environ, _either(environ, DOMAIN), one_line),
        project_name=read(environ, name, one_line) if is_set(environ, name) else None,
        agency=(agency[0], agency[1]) if agency else None,
    )


def _either(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The name that is set, of several names for one setting; the first if none is."""
    of_set = [name for name in names if is_set(environ, name)]
    for other in of_set[1:]:
        if given(environ, other) != given(environ, of_set[0]):
            raise InvalidSetting(
                f"{of_set[0]} and {other} are two names for one setting, with different values; keep one"
            )
    return of_set[0] if of_set else names[0]


def _projects(text: str) -> tuple[str, ...]:
    projects = tuple(dict.fromkeys(text.split()))
    if not all(re.fullmatch(r"[0-9A-Za-z_-]{1,64}", project) for project in projects):
        raise ValueError("is malformed; it must hold ids of projects, separated by spaces")
    return projects

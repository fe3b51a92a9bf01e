"""The settings that the function reads, found by having it read an environment that takes note."""

from collections.abc import Iterator, Mapping

from handlers.edges.settings.settings import Settings

_PROJECTS = {"PROJECTS": "0123456789abcdef0123456789abcdef"}

WAYS: list[dict[str, str]] = [
    {"OS_TOKEN": "token"},
    {"OS_ACCESS_KEY": "access", "OS_SECRET_KEY": "secret", **_PROJECTS},
    {"OS_USERNAME": "jane", "OS_PASSWORD": "word", "OS_AUTH_URL": "https://iam.example.com"}
    | {"OS_DOMAIN_NAME": "acme", "OS_PROJECT_NAME": "eu-de"}
    | {"OS_AGENCY_NAME": "tagger", "OS_AGENCY_DOMAIN_NAME": "other"},
    {"CREDENTIALS": "ecs", **_PROJECTS},
    {"CREDENTIALS": "functiongraph", **_PROJECTS},
]
"""One environment for each way of being somebody."""


class _Noting(Mapping[str, str]):
    """An environment that notes the names that are asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def read(way: Mapping[str, str]) -> tuple[Settings, set[str]]:
    """The settings in an environment with this way of being somebody, and the names that were asked for."""
    environ = _Noting({"IMS_ENDPOINT": "https://ims.example.com", **way})
    return Settings.from_environ(environ), environ.names


READ = frozenset[str]().union(*(read(way)[1] for way in WAYS))
"""Every name that is asked for in the environment, those of files included."""

NAMES = {name for name in READ if name.removesuffix("_FILE") not in READ - {name}}
"""The same without the files that secrets may be in."""

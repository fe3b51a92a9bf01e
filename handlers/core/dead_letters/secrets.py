"""Texts that people read, without what may be secret in an address."""

import re

_TOKEN = re.compile(r"(access_token=)[^\s&\"'<>]+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """A text whose addresses have no user, password, query and fragment, and that shows no access token."""
    return _TOKEN.sub(r"\1***", re.sub(r"[^\s\"'<>]+", _public, text))


def _public(word: re.Match[str]) -> str:
    first, *rest = word[0].split("://")
    public = [first]
    for part in rest:
        authority = part.partition("/")[0]
        path, *secret = re.split("[?#]", part[authority.rfind("@") + 1 :], maxsplit=1)
        public.append(path)
        if secret:
            break
    return "://".join(public)  # once: a text may hold a great many addresses

"""Masks the secrets of a request in the answer to it, which the log may quote."""

import json
import re
from collections.abc import Mapping, Sequence

WITHIN_WORDS_MIN = 4
"""Characters from which a secret is also masked within words. A shorter one is in half of all words."""


def secrets_in(headers: Mapping[str, str]) -> list[str]:
    """The secrets that the headers of a request hold."""
    signed = headers.get("Authorization", "")
    parts = re.findall(r"(?:Access|Signature)=([^,]+)", signed)
    return [headers.get("X-Auth-Token", ""), headers.get("X-Security-Token", ""), signed, *parts]


def redact_json(content: bytes, secrets: Sequence[str]) -> bytes:
    """The JSON without these secrets; bytes that are no JSON as they are."""
    try:  # so that every character has one spelling; JSON has several
        content = json.dumps(json.loads(content), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return content  # not JSON, so nothing of it is logged
    return redact(
        content.decode(), [json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets]
    ).encode()


def redact(text: str, secrets: Sequence[str]) -> str:
    """The text with asterisks in place of these secrets."""
    for secret in filter(None, secrets):
        if len(secret) < WITHIN_WORDS_MIN:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
        else:
            text = text.replace(secret, "***")
    return text

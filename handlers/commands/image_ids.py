"""Ids of images on the command line."""

import argparse

from handlers.core.json_access import UUID


def image_id(text: str) -> str:
    """An id in lower case."""
    if not UUID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!a} is no image id, which is a UUID")
    return text.lower()

"""Ids of images on the command line."""

import argparse
import re


def image_id(text: str) -> str:
    """An id in lower case."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no image id, which is a UUID")
    return text.lower()

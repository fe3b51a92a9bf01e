"""The images that other images were made from, each asked for once."""

import json
import sqlite3

from handlers.commands.files import temporary_files
from handlers.commands.images.cloud import Get
from handlers.core.ims.requests import image_call
from handlers.core.json_access import Json
from handlers.image_created import ABSENT


class Parents:
    """Answers are kept on disk while a command runs, for there may be as many parents as images."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE image (id TEXT PRIMARY KEY, text TEXT)")

    def image(self, image_id: str) -> Json | None:
        """The image as IMS describes it; None if it is gone or not ours to see.

        Raises TagApiError or UsageError.
        """
        if found := self._database.execute("SELECT text FROM image WHERE id = ?", (image_id,)).fetchone():
            known: Json | None = json.loads(found[0])
            return known
        try:
            image = self._get(image_call(image_id).path, {})
        except ABSENT:
            image = None
        with temporary_files():
            self._database.execute("INSERT INTO image VALUES (?, ?)", (image_id, json.dumps(image)))
        return image

    def close(self) -> None:
        self._database.close()

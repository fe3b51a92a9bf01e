"""The rules table that the function uses, and a draft of it beside the same files."""

import hashlib
import shutil
from pathlib import Path

LONGEST = 1024 * 1024
"""Characters of a table."""


class NotSaved(OSError):
    """A table was not written; the message says why."""


class TableFile:
    """path: what `RULES` names. folder: for the draft, with links to what belongs to the table."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self._folder = folder

    def read(self) -> str:
        return self.path.read_text(encoding="utf-8-sig")

    def digest(self) -> str:
        """By which a change by somebody else is seen."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def version(self, text: str) -> str:
        """Another one for each text, and whenever a file that belongs to it changes."""
        states = [
            (each.name, (state := each.stat()).st_mtime_ns, state.st_size) for each in self._beside(text)
        ]
        return hashlib.sha256(f"{states}{text}".encode(errors="surrogatepass")).hexdigest()

    def draft(self, text: str) -> Path:
        """A file with this text under the name of the table, beside the same lookup files and cases."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for beside in self._beside(text):
            (self._folder / beside.name).symlink_to(beside)
        path = self._folder / self.path.name
        path.write_text(text, encoding="utf-8")
        return path

    def _beside(self, text: str) -> list[Path]:
        """What may belong to a table with this text: the cases by their name, lookup files that it names."""
        return [
            each
            for each in sorted(self.path.parent.iterdir())
            if each != self.path and (each.name.startswith(f"{self.path.stem}.") or each.name in text)
            if each.exists()
        ]

    def save(self, text: str, opened: str) -> None:
        """Writes the table in one step. opened: its digest when it was read. Raises NotSaved."""
        if len(text) > LONGEST:
            raise NotSaved("The table is too long.")
        if opened != self.digest():
            raise NotSaved(
                "Somebody has changed the file since you opened it; load the page again to see it."
            )
        target = self.path.resolve()
        new = target.with_name(f".{target.name}.new")
        try:
            new.write_text(text, encoding="utf-8")
            shutil.copymode(target, new)
            new.replace(target)
        except OSError as error:
            raise NotSaved(f"{target} cannot be written: {error.strerror}.") from None

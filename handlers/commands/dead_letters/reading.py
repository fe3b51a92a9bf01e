"""Reads a store once, in flat memory, and notes what is met on the way."""

from collections import Counter
from collections.abc import Iterator, Sequence

from handlers.commands.dead_letters.selection import Selection
from handlers.commands.dead_letters.stores import Entry, Store, Unreadable
from handlers.commands.files import UsageError
from handlers.commands.output.report import counted, cut
from handlers.core.json_access import Json

UNREADABLE_MAX = 1000
UNREADABLE_SHOWN = 20
REASON_MAX = 60
"""Characters by which reasons are told apart when they are counted."""


class Reading:
    """The selected dead letters of a store, in order, to be iterated over once. It closes the store.

    reasons: how many there were of each. unreadable: the first that were none. error: why it broke off.
    """

    def __init__(self, store: Store, selection: Selection) -> None:
        self.store = store
        self.reasons = Counter[str]()
        self.unreadable: list[Unreadable] = []
        self.error = ""
        self._selection = selection
        self._unreadable_count = 0
        self._is_faulty = False

    def __iter__(self) -> Iterator[Entry]:
        try:
            for each in self.store.entries():
                if isinstance(each, Unreadable):
                    self._note(each)
                elif self._selection.matches(each.dead_letter):
                    self.reasons[cut(each.dead_letter.error, REASON_MAX)] += 1
                    yield each
        except UsageError as error:
            self.error = str(error)
        finally:
            self.store.close()

    @property
    def code(self) -> int:
        """To exit with: 1 where something was no dead letter, or could not be read."""
        return int(self._is_faulty or bool(self.error))

    @property
    def data(self) -> Json:
        """What was met besides dead letters, for JSON."""
        return {
            "unreadable": [each._asdict() for each in self.unreadable],
            "unreadable_count": self._unreadable_count,
            "errors": [self.error] if self.error else [],
        }

    @property
    def lines(self) -> Sequence[str]:
        """The same for people."""
        name = self.store.position
        shown = [f"{name} {each.position} is left out: {each.why}" for each in self.unreadable]
        lines = shown[:UNREADABLE_SHOWN]
        if self._unreadable_count:
            lines.append(f"{counted(self._unreadable_count, name)} left out")
        return [*lines, *([self.error] if self.error else [])]

    def _note(self, unreadable: Unreadable) -> None:
        self._unreadable_count += 1
        self._is_faulty |= not unreadable.truncated
        if len(self.unreadable) < UNREADABLE_MAX:
            self.unreadable.append(unreadable)

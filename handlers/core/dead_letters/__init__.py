"""Dead letters: the events that could not be tagged, with the reason."""

from handlers.core.dead_letters.compose import (
    DEAD_LETTER_MARK,
    UNPARSABLE_TYPE,
    Sink,
    dead_letter,
    kept_dead_letter,
)

__all__ = ["DEAD_LETTER_MARK", "UNPARSABLE_TYPE", "Sink", "dead_letter", "kept_dead_letter"]

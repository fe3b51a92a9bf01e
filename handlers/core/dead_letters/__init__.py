"""Dead letters: the events that could not be tagged, with the reason."""

from handlers.core.dead_letters.attributes import Sink, dead_letter, is_dead_letter, kept_dead_letter

__all__ = ["Sink", "dead_letter", "is_dead_letter", "kept_dead_letter"]

"""Dead letters: the events that could not be tagged, with the reason."""

"""Fuzzing: requests as nobody should send them, and what must never come of them."""

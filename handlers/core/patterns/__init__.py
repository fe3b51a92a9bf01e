"""Event patterns: compiles them, matches events, and says why an event does not match."""

from handlers.core.patterns.compile import InvalidPattern, Pattern, compile_pattern

__all__ = ["InvalidPattern", "Pattern", "compile_pattern"]

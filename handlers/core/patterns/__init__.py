"""Event patterns: compile one, match it, say why it does not match."""

from handlers.core.patterns.compile import InvalidPattern, Pattern, compile_pattern

__all__ = ["InvalidPattern", "Pattern", "compile_pattern"]

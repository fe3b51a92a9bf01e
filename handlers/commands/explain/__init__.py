"""`explain`: what an event would lead to, rule by rule and tag by tag, without network or credentials."""

from handlers.commands.explain.command import add_command

__all__ = ["add_command"]

"""The journal: what became of each event, put together from messages of the bus and from log lines. Pure."""

from deploy.local.journal.journal import Journal
from deploy.local.journal.record import Message, Record, Step
from deploy.local.journal.records import KEPT

__all__ = ["KEPT", "Journal", "Message", "Record", "Step"]

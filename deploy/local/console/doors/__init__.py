"""The public doors through which the console sees and acts: the bus, the emulator, the commands."""

from deploy.local.console.doors.bus import Bus
from deploy.local.console.doors.commands import CommandFailed, Commands, fault_in
from deploy.local.console.doors.emulator import Emulator
from deploy.local.console.doors.observer import Observer

__all__ = ["Bus", "CommandFailed", "Commands", "Emulator", "Observer", "fault_in"]

"""All I/O. Nothing here decides what an event leads to."""

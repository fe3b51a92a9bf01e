"""The edges: all I/O. Nothing here decides."""

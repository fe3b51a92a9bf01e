"""The core: pure. It knows the standard library and Jinja2, and does no I/O."""

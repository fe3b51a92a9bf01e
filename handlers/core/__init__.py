"""Pure code: it uses the standard library and Jinja2, and does no I/O."""

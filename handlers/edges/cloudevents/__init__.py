"""The CloudEvents HTTP binding."""

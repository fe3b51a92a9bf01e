"""What a user would write: the handlers that benchmarks compare the function with."""

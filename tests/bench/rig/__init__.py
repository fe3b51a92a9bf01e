"""What benchmarks run on: processes, load, and the books of what was sent."""

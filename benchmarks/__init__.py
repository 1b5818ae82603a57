"""The commands that measure the numbers of docs/benchmarks.md, such as ``python -m benchmarks.surface``."""

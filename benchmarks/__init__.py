"""The speed claims, each runnable by one command: ``python -m benchmarks.surface`` and its neighbours."""

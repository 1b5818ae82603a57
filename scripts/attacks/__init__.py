"""Attacks on lossatlas: kills, losses of power, load, classes, hostile requests. docs/robustness.md has the results.

Each module is a command, ``python -m scripts.attacks.NAME``, whose last line is JSON with counts. Its exit code is 1 if
something failed. The tests run each one in a short form.
"""

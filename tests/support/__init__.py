"""Helpers that tests of several modules use."""

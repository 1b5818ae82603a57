"""Contains the helpers that tests of several modules use."""

"""Faults done to a recording, each really, and what comes of it: `python -m tests.faults`."""

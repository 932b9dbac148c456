"""Temporal mixers: one file a kind, its configuration beside it."""

"""Fuzzing: what is read from disk is read, or refused with an error of ours, whatever bytes it holds."""

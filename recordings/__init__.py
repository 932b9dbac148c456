"""Recorded sessions: files in, files out, and the replay that looks like a live stream. No torch, no Qt."""

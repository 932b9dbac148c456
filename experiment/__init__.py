"""Puts a session together and runs it, with a window, as text, or without either. No Qt."""

"""The pages of the window: what can be started, progress, a session with its bars, and what came of it."""

"""One clock, and where a sender's samples lie on it."""

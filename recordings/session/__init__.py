"""A recorded session: a folder with an XDF file and its videos, and what is in it."""

"""Video files of a session."""

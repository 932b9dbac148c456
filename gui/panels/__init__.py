"""The views of a session's page, one a file."""

"""The verbs of the command line; `phosphene` puts them together. Each imports what it needs when it runs."""

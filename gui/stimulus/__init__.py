"""What the participant sees: films, and feedback."""

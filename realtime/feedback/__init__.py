"""From readings to what the participant is given, and its way out."""

"""XDF files: read with their damage, written so that a crash costs little, repaired."""

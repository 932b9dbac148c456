"""Teachers by published models: what was said, heard or shown, one embedding a moment, beside a session."""

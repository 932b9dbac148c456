"""Frame encoders and whole-clip encoders: one file a kind, its configuration beside it."""

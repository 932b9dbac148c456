"""EEG encoders: one file a kind, its configuration beside it."""

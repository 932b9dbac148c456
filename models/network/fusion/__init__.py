"""Ways to let EEG tokens read video: one file a kind, its configuration beside it."""

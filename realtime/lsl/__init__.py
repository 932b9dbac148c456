"""Lab Streaming Layer: which stream is meant, one link to it, EEG and markers over it."""

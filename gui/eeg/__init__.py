"""The EEG as it comes: traces, channels, spectrum and the average around events."""

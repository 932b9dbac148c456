"""The virtual subject: what it attends to, what its brain answers, and its EEG on LSL."""

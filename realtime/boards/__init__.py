"""Headsets without an LSL driver: BrainFlow's boards, brought to LSL with steady times."""

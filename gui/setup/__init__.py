"""What is asked before a session runs, and the calibration of a camera."""

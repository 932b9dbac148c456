"""What a trained network is worth: scores of all pairs, figures, controls, a report."""

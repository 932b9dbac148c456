"""Data, losses, training, baselines and honest evaluation."""

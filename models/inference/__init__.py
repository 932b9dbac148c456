"""The trained network, compiled, behind the pipeline's `Model` protocol."""

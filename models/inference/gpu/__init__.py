"""What an NVIDIA GPU runs: the same graphs by torch itself or by TensorRT, and the way there and back."""

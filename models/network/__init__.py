"""The network's parts. These files import torch and transformers, and nothing else of ours."""

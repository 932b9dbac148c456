"""The network's parts. These files import torch (and transformers where a part is reused), nothing else of ours."""

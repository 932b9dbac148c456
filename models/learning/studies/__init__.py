"""The measured pages of the docs, one command each, and the weights that ship."""

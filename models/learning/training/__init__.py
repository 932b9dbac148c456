"""Gradient steps: the recipe, the terms of the loss, and the loop."""

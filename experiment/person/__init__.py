"""A model for this person, today: recording and training in one, and what a model is in words."""

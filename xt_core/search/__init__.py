"""Hyperparameter search: spaces, and the points that a search draws from them."""

"""Kinds of data: how they are loaded, split, described, trained on and exported."""

"""The table small-images: how it was made, and what a search saves on it."""

"""Whole systems on images, each with the same seconds: evonas, fixed networks, searches with a part left out."""

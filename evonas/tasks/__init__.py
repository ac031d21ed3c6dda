"""Tasks: images from somewhere, split, described."""

from evonas.tasks.arrays import images_from_arrays
from evonas.tasks.fingerprint import same_data
from evonas.tasks.images import Images, Split
from evonas.tasks.sources import load_images
from evonas.tasks.splitting import split

__all__ = ["Images", "Split", "images_from_arrays", "load_images", "same_data", "split"]

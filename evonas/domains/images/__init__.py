"""Tasks: images from somewhere, split, described."""

from evonas.domains.fingerprint import same_data
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images, Split
from evonas.domains.images.pixels import PixelScale
from evonas.domains.images.reader import ImageReader
from evonas.domains.images.sources import load_images
from evonas.domains.images.splitting import split

__all__ = ["ImageReader", "Images", "PixelScale", "Split", "images_from_arrays", "load_images", "same_data", "split"]

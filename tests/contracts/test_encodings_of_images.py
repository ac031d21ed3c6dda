"""The encoding of images with recipes passes the contract for several shapes of image, and so does any one wrapped."""

from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.net import NetEncoding
from evonas.encodings.with_recipe import with_recipe
from evonas.testing import EncodingContract


class TestNet(EncodingContract):
    encoding = NetEncoding()
    gaps = True


class TestNetOfOnePixel(EncodingContract):
    encoding = NetEncoding()
    task = Task("pixel", (3, 1, 1), 2)
    gaps = True


class TestNetOfSpectra(EncodingContract):
    encoding = NetEncoding()
    task = Task("spectra", (1, 1, 70), 4)
    gaps = True


class TestNetOfBoards(EncodingContract):
    encoding = NetEncoding()
    task = Task("boards", (10, 9, 9), 9)
    gaps = True


class TestWithRecipe(EncodingContract):
    encoding = with_recipe(CellEncoding(width=4))


class TestWithRecipeByName(EncodingContract):
    encoding = with_recipe("macro(stages=2)")

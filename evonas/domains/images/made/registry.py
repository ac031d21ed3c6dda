"""All data sets that can be made, by name."""

from __future__ import annotations

from collections.abc import Mapping

from evonas.core.errors import EvonasError, choices
from evonas.domains.images.made.chess import draw_chess
from evonas.domains.images.made.cifartile import draw_cifartile
from evonas.domains.images.made.digits_in_channels import draw_addnist, draw_multnist
from evonas.domains.images.made.made_set import MadeSet
from evonas.domains.images.made.shapes import draw_shapes, figures
from evonas.domains.images.made.spectra import draw_spectra
from evonas.domains.images.made.sudoku import draw_drawing, draw_planes
from evonas.domains.images.made.words import draw_words


def made_sets() -> Mapping[str, MadeSet]:
    """Benchmarks are the test accuracies of ResNet-18 in the tables of Geada et al., arXiv 2404.02189."""
    marked = "the digit of the marked cell - 1"
    return {
        kind.name: kind
        for kind in (
            MadeSet(
                "addnist", "AddNIST", 20, (3, 28, 28), "the sum of the three digits - 1",
                draw_addnist, ("mnist",), "MNIST", 92.1,
            ),
            MadeSet(
                "multnist", "MultNIST", 10, (3, 28, 28), "the last digit of the product of the three digits",
                draw_multnist, ("mnist",), "MNIST", 91.6,
            ),
            MadeSet(
                "cifartile", "CIFARTile", 4, (3, 64, 64), "how many classes are among the four images, - 1",
                draw_cifartile, ("cifar10",), "CIFAR10", 45.6,
            ),
            MadeSet("sudoku", "Sudoku", 9, (10, 9, 9), marked, draw_planes, ("sudoku",)),
            MadeSet("sudoku-drawn", "SudokuDrawn", 9, (1, 54, 54), marked, draw_drawing, ("sudoku",)),
            MadeSet("words", "Words", 6, (1, 26, 24), "the language of the three words", draw_words, ("words",)),
            MadeSet(
                "chess", "Chess", 6, (12, 8, 8),
                "which piece gives check to the white king: none, pawn, knight, bishop, rook, queen",
                draw_chess, ("chess",),
            ),
            MadeSet(
                "spectra", "Spectra", 10, (1, 1, 256),
                "how far both lines are apart (of 5 distances), and which of them is the taller",
                draw_spectra, ("spectra",),
            ),
            MadeSet(
                "shapes", "Shapes", 8, (3, 32, 32), f"the kind of figure: {', '.join(figures())}",
                draw_shapes, ("shapes",),
            ),
        )
    }  # fmt: skip


def made_set(name: str) -> MadeSet:
    """In any case of letters. Raises EvonasError, with the choices, where there is none of this name."""
    known = made_sets()
    if name.lower() not in known:
        raise EvonasError(f"no data set {name!r} can be made; there are {choices(known)}")
    return known[name.lower()]

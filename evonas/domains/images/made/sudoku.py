"""Sudoku: a board with blanks, one of them marked; the label is the digit that has to stand there, less one.

The marked cell can always be told at once: each of the other eight digits is seen in its row, its column or its box.
How often a digit is seen on the whole board tells nothing.
"""

from __future__ import annotations

import numpy as np

from evonas.domains.images.made.made_set import Pool

SOLVED = 60  # boards that are solved by trial; all others are made of them by what keeps a board valid
SHOWN = (3, 5)  # of the nine cells of each digit, so many are seen
CELL, LINE, FRAME, MARK = 6, 50, 110, 100  # pixels of a drawn cell; grey levels of its lines, its box and a marked cell
FONT = (
    "010110010010111", "111001111100111", "111001111001111", "101101111001001", "111100111001111",
    "111100111101111", "111001001001001", "111101111101111", "111101111001111",
)  # fmt: skip


def draw_planes(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 10, 9, 9) uint8: a plane for each digit that is seen, and one of the marked cell."""
    board, marked = boards(rng, labels)
    planes = np.concatenate([board[:, None] == np.arange(1, 10)[:, None, None], marked[:, None]], axis=1)
    return planes.astype(np.uint8) * 255


def draw_drawing(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 1, 54, 54) uint8: the board as it is printed, the marked cell grey."""
    board, marked = boards(rng, labels)
    glyphs = np.zeros((10, CELL, CELL), np.uint8)
    for digit, pixels in enumerate(FONT, 1):
        glyphs[digit, 1:6, 2:5] = np.array(list(pixels), int).reshape(5, 3) * 255
    cells = np.maximum(glyphs[board], np.uint8(MARK) * marked[..., None, None].astype(np.uint8))
    image = cells.swapaxes(2, 3).reshape(len(labels), 9 * CELL, 9 * CELL)
    for step, grey in ((CELL, LINE), (3 * CELL, FRAME)):
        image[:, ::step, :] = image[:, :, ::step] = grey
    return image[:, None]


def boards(rng: np.random.Generator, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 9, 9) digits with 0 where nothing is seen, and (n, 9, 9) booleans: which cell is marked."""
    n, rows = len(labels), np.arange(len(labels))
    marked = rng.integers(81, size=n)
    grids = _valid(rng, n)
    standing = grids[rows, marked]
    names = rng.permuted(np.tile(np.arange(9), (n, 1)), axis=1)
    other = np.argmax(names == labels[:, None], axis=1)  # the digit that has the label's name: both swap names
    names[rows, other], names[rows, standing] = names[rows, standing], labels
    grids = np.take_along_axis(names, grids, axis=1)
    cells = np.argsort(grids, axis=1, kind="stable").reshape(n, 9, 9)  # of each digit, its nine cells
    at = (rows[:, None, None], cells)
    seen = peers()[marked]
    telling = np.argmin((rng.random((n, 81)) + ~seen)[at], axis=2)  # for each digit, a cell that the marked one sees
    order = rng.random((n, 9, 9))
    np.put_along_axis(order, telling[..., None], -1.0, axis=2)
    order[cells == marked[:, None, None]] = 2.0
    shown = rng.integers(SHOWN[0], SHOWN[1] + 1, (n, 9, 1))
    board = np.zeros((n, 81), np.int64)
    board[at] = np.where(np.argsort(np.argsort(order, axis=2), axis=2) < shown, np.arange(1, 10)[:, None], 0)
    return board.reshape(n, 9, 9), (np.arange(81) == marked[:, None]).reshape(n, 9, 9)


def peers() -> np.ndarray:
    """(81, 81) booleans: which cells share a row, a column or a box with which others."""
    row, column = np.divmod(np.arange(81), 9)
    units = (row, column, row // 3 * 3 + column // 3)
    return np.any([unit[:, None] == unit for unit in units], axis=0) & ~np.eye(81, dtype=bool)


def _valid(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 81) digits 0 to 8 of valid, complete boards."""
    solved = np.stack([_solved(rng) for _ in range(min(n, SOLVED))]).reshape(-1, 9, 9)
    grids = solved[rng.integers(len(solved), size=n)]
    turned = rng.random(n) < 0.5
    grids[turned] = grids[turned].swapaxes(1, 2)
    rows, columns = _lines(rng, n), _lines(rng, n)
    return grids[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(n, 81)


def _lines(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 9) orders of rows, or columns: bands change places, and lines within a band."""
    bands = rng.permuted(np.tile(np.arange(3), (n, 1)), axis=1)
    within = rng.permuted(np.tile(np.arange(3), (n, 3, 1)), axis=2)
    return (3 * bands[:, :, None] + within).reshape(n, 9)


def _solved(rng: np.random.Generator) -> np.ndarray:
    """(81,) digits of one board, filled by trial: always the cell with the fewest choices next."""
    seen, grid = peers(), np.full(81, -1)

    def fill(open_to: np.ndarray) -> bool:
        choices = np.where(grid < 0, open_to.sum(1), 10)
        cell = int(np.argmin(choices + rng.random(81) / 2))
        if grid.min() >= 0:
            return True
        for digit in rng.permutation(np.flatnonzero(open_to[cell])):
            narrowed = open_to.copy()
            narrowed[seen[cell], digit] = False
            grid[cell] = digit
            if fill(narrowed):
                return True
        grid[cell] = -1
        return False

    fill(np.ones((81, 9), bool))
    return grid

"""Chess: the label says which piece gives check to the white king: none, pawn, knight, bishop, rook or queen.

All boards hold the same pieces, the black king is never in check, and no two pieces give check: only where they stand
tells.
"""

from __future__ import annotations

import numpy as np

from evonas.domains.images.made.made_set import Pool

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(1, 7)
SIDE = (PAWN,) * 4 + (KNIGHT,) * 2 + (BISHOP,) * 2 + (ROOK,) * 2 + (QUEEN, KING)
BLACK = 6  # is added to a piece that is black
STRAIGHT, DIAGONAL = ((-1, 0), (1, 0), (0, -1), (0, 1)), ((-1, -1), (-1, 1), (1, -1), (1, 1))
JUMPS = ((-2, -1), (-2, 1), (-1, -2), (-1, 2), (1, -2), (1, 2), (2, -1), (2, 1))
AT_ONCE = 50_000


def draw_chess(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 12, 8, 8) uint8: a plane for each piece, white's first, from pawn to king; white plays upwards."""
    held = np.zeros((len(labels), 64), np.int64)
    open_to = {label: np.flatnonzero(labels == label) for label in range(6)}
    while most := max(map(len, open_to.values())):
        boards = _boards(rng, min(AT_ONCE, 100 + 40 * most))
        found = checks(boards)
        for label, places in open_to.items():
            some = boards[found == label][: len(places)]
            held[places[: len(some)]] = some
            open_to[label] = places[len(some) :]
    return (held.reshape(-1, 1, 8, 8) == np.arange(1, 13)[:, None, None]).astype(np.uint8) * 255


def checks(boards: np.ndarray) -> np.ndarray:
    """(n,) labels of (n, 64) boards; -1 where several pieces give check, the black king is in check, or kings touch."""
    turned = boards.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)  # as black sees it: a white piece is theirs
    swapped = np.where(turned == 0, 0, (turned + BLACK - 1) % (2 * BLACK) + 1)
    found = attackers(boards)
    legal = (found.sum(1) <= 1) & (attackers(swapped).sum(1) == 0) & (found[:, KING - 1] == 0)
    return np.where(legal, np.where(found.any(1), found.argmax(1) + 1, 0), -1)


def attackers(boards: np.ndarray) -> np.ndarray:
    """(n, 6): how many black pawns, knights, bishops, rooks, queens and kings attack the white king."""
    n = len(boards)
    wide = np.zeros((n, 22, 22), np.int64)  # seven empty squares around: nothing looks over the edge
    wide[:, 7:15, 7:15] = boards.reshape(n, 8, 8)
    down, right = np.divmod(np.argmax(boards == KING, axis=1), 8)

    def at(steps: list[tuple[int, int]]) -> np.ndarray:
        """(n, steps) what stands so far from the king."""
        y, x = np.array(steps).T
        return wide[np.arange(n)[:, None], down[:, None] + 7 + y, right[:, None] + 7 + x]

    found = np.zeros((n, 6), np.int64)
    for piece, steps in ((PAWN, ((-1, -1), (-1, 1))), (KNIGHT, JUMPS), (KING, STRAIGHT + DIAGONAL)):
        found[:, piece - 1] = (at(list(steps)) == piece + BLACK).sum(1)
    for directions, piece in ((STRAIGHT, ROOK), (DIAGONAL, BISHOP)):
        for y, x in directions:
            line = at([(y * step, x * step) for step in range(1, 8)])
            nearest = line[np.arange(n), np.argmax(line > 0, axis=1)]
            for one in (piece, QUEEN):
                found[:, one - 1] += nearest == one + BLACK
    return found


def _boards(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 64) boards with all pieces somewhere, pawns on the second to seventh rank."""
    both = np.array([*SIDE, *(piece + BLACK for piece in SIDE)])
    is_pawn = np.isin(both, (PAWN, PAWN + BLACK))
    odds = rng.random((n, 64))
    odds[:, :8] += 1
    odds[:, 56:] += 1
    squares = np.argsort(odds, axis=1)
    pawns = squares[:, : is_pawn.sum()]
    others = rng.permuted(squares[:, is_pawn.sum() :], axis=1)[:, : (~is_pawn).sum()]
    boards = np.zeros((n, 64), np.int64)
    np.put_along_axis(boards, pawns, both[is_pawn][None], axis=1)
    np.put_along_axis(boards, others, both[~is_pawn][None], axis=1)
    return boards

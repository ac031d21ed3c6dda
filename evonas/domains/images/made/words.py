"""Words of six languages of our own, letters by position; the label is the language.

A language is a set of pairs of letters that may follow each other, with how often they do. All six use each letter as
often, at every place of a word: no letter gives a language away, only what stands beside it. An image is of one
language for sure: in every other one, one of its words is impossible.
"""

from __future__ import annotations

import numpy as np

from evonas.domains.images.made.made_set import Pool

LANGUAGES, LETTERS, WORDS, LONGEST, SHORTEST = 6, 26, 3, 8, 5
ALLOWED = 0.5  # share of all pairs of letters that a language has
WHICH = 1  # the languages are always the same, whatever images are drawn


def draw_words(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 1, 26, 24) uint8: three words side by side, of 5 to 8 letters each, with nothing where a word has ended."""
    pairs = languages()
    text = _text(rng, labels, pairs)
    while len(doubtful := np.flatnonzero(possible(text, pairs).sum(1) > 1)):
        text[doubtful] = _text(rng, labels[doubtful], pairs)
    letters = text.reshape(len(labels), 1, 1, WORDS * LONGEST) == np.arange(LETTERS)[:, None]
    return letters.astype(np.uint8) * 255


def languages() -> np.ndarray:
    """(6, 26, 26): which share of a language's pairs is this letter before that one; all have the same letters."""
    rng = np.random.default_rng(WHICH)
    shares = rng.permutation(1 / np.sqrt(np.arange(1, LETTERS + 1)))
    shares /= shares.sum()
    pairs = rng.gamma(1.0, size=(LANGUAGES, LETTERS, LETTERS)) * (rng.random((LANGUAGES, LETTERS, LETTERS)) < ALLOWED)
    for _ in range(1000):  # Sinkhorn: rows and columns in turn are brought to the letters' shares
        pairs *= shares[:, None] / pairs.sum(2, keepdims=True)
        pairs *= shares / pairs.sum(1, keepdims=True)
    return pairs


def possible(text: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(n, 6) booleans: in which languages words (n, 3, 8) can be, of letters 0 to 25, and -1 where a word has ended."""
    before, after = text[:, None, :, :-1], text[:, None, :, 1:]
    allowed = pairs[np.arange(len(pairs))[:, None, None], before, after] > 0
    return np.asarray((allowed | (after < 0)).all((2, 3)))


def _text(rng: np.random.Generator, labels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(n, 3, 8) letters: the first one by the letters' shares, each further one by the pairs."""
    first = np.cumsum(pairs.sum(2), axis=1)
    following = np.cumsum(pairs, axis=2)
    language = np.repeat(labels[:, None], WORDS, axis=1)
    text = np.empty((len(labels), WORDS, LONGEST), np.int64)
    odds = first[language]
    for place in range(LONGEST):
        thrown = rng.random((*language.shape, 1)) * odds[..., -1:]
        text[..., place] = (thrown >= odds).sum(2)
        odds = following[language, text[..., place]]
    ends = rng.integers(SHORTEST, LONGEST + 1, (*language.shape, 1))
    return np.where(np.arange(LONGEST) < ends, text, -1)

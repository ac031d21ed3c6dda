"""Data sets that evonas makes: what they promise, found again in the images."""

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.images import Images, load_images, split
from evonas.domains.images.made import shapes, spectra, sudoku, words
from evonas.domains.images.made.made_set import MadeSet
from evonas.domains.images.made.making import make, sizes
from evonas.domains.images.made.registry import made_set, made_sets

NAMES = sorted(made_sets())
IMAGES = 180


def material(kind: MadeSet, each: int = 12) -> Images | None:
    """Images that hold their own number and class: what was made of them can be told."""
    if kind.needs is None:
        return None
    size, channels = (28, 1) if kind.needs == "MNIST" else (32, 3)

    def some(first: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.zeros((10 * each, size, size, channels), np.uint8)
        y = np.arange(10 * each) % 10
        x[:, 0, 0, 0], x[:, 0, 1, 0] = y, first + np.arange(10 * each)
        return x, y

    return Images("some", *some(0), *some(10 * each), class_names=tuple("0123456789"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for kind in made_sets().values():
        make(kind, folder, images=IMAGES, source=material(kind))
    return folder


def arrays(root, name: str) -> dict[str, np.ndarray]:
    files = {f"{part}_{kind}" for part in ("train", "valid", "test") for kind in "xy"}
    return {file: np.load(root / name / f"{file}.npy", allow_pickle=False) for file in files}


def drawn(name: str, n: int, seed: int, pool=None) -> tuple[np.ndarray, np.ndarray]:
    kind = made_set(name)
    labels = np.random.default_rng(seed).integers(kind.classes, size=n)
    return kind.draw(np.random.default_rng([seed, 1]), labels, pool), labels


# what all of them promise


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_balanced_and_of_the_published_proportion(root, name):
    held, kind = arrays(root, name), made_set(name)
    for part, n in {"train": IMAGES, "valid": 60, "test": 40}.items():
        x, y = held[f"{part}_x"], held[f"{part}_y"]
        assert (x.dtype, x.shape) == (np.float32, (n, *kind.shape))
        counts = np.bincount(y, minlength=kind.classes)
        assert len(counts) == kind.classes
        assert counts.max() - counts.min() <= 1
        assert (np.diff(y) != 1).any()  # shuffled


@pytest.mark.parametrize("name", NAMES)
def test_no_image_is_there_twice(root, name):
    held = arrays(root, name)
    images = [image.tobytes() for part in ("train", "valid", "test") for image in held[f"{part}_x"]]
    assert len(set(images)) == len(images) == IMAGES + 60 + 40


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_makes_the_same_bytes_and_another_one_others(root, tmp_path, name):
    kind = made_set(name)
    for seed in (0, 1):
        make(kind, tmp_path / str(seed), images=IMAGES, seed=seed, source=material(kind))
    for path in (root / name).iterdir():
        assert path.read_bytes() == (tmp_path / "0" / name / path.name).read_bytes()
    assert (arrays(root, name)["train_x"] != arrays(tmp_path / "1", name)["train_x"]).any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_can_be_searched(root, name):
    kind = made_set(name)
    images = load_images(f"npy:{root / name}")
    assert not [*images.notes, *images.left_out]
    assert images.task.input_shape == kind.shape
    assert images.class_names == tuple(map(str, range(kind.classes)))
    data = split(images, seed=0)
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (IMAGES, 60, 40)
    assert images.metadata["sources"] == list(kind.sources)
    assert images.metadata.get("benchmark") == kind.benchmark
    assert (images.x == np.rint(np.moveaxis(arrays(root, name)["train_x"], 1, -1) * 255)).all()


def test_sets_of_the_same_images_say_so():
    assert made_set("AddNIST").sources == made_set("multnist").sources
    shared = {
        frozenset((a.name, b.name)) for a, b in combinations(made_sets().values(), 2) if {*a.sources} & {*b.sources}
    }
    assert shared == {frozenset(("addnist", "multnist")), frozenset(("sudoku", "sudoku-drawn"))}


# what each of them promises


def tiles(x: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Classes and numbers of the source images in each image, (n, 3 or 4) both."""
    bytes_ = np.rint(x * 255).astype(int)
    if name == "cifartile":
        corners = [bytes_[:, 0, down, right : right + 2] for down in (0, 32) for right in (0, 32)]
        return np.stack([c[:, 0] for c in corners], 1), np.stack([c[:, 1] for c in corners], 1)
    return bytes_[:, :, 0, 0], bytes_[:, :, 0, 1]


@pytest.mark.parametrize("name", ["addnist", "multnist", "cifartile"])
def test_labels_follow_from_the_source_images_and_parts_share_none(root, name):
    held = arrays(root, name)
    used = []
    for part in ("train", "valid", "test"):
        classes, numbers = tiles(held[f"{part}_x"], name)
        labels = {
            "addnist": classes.sum(1) - 1,
            "multnist": classes.prod(1) % 10,
            "cifartile": np.array([len(set(row)) - 1 for row in classes.tolist()]),
        }[name]
        assert (held[f"{part}_y"] == labels).all()
        used.append(set(numbers.ravel().tolist()))
    assert not used[0] & used[1]
    assert max(used[0] | used[1]) < 120 <= min(used[2])  # of the training images, and of the test images


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_a_sudoku_can_be_told_at_its_marked_cell(seed):
    labels = np.random.default_rng(seed).integers(9, size=20)
    boards, marked = sudoku.boards(np.random.default_rng(seed), labels)
    assert (marked.sum((1, 2)) == 1).all()
    assert (boards[marked] == 0).all()
    seen = sudoku.peers()
    for board, mark, label in zip(boards.reshape(-1, 81), marked.reshape(-1, 81), labels, strict=True):
        near = set(board[seen[mark.argmax()]].tolist()) - {0}
        assert near == set(range(1, 10)) - {label + 1}
        assert all(board[cell] not in board[seen[cell]] for cell in np.flatnonzero(board))
        shown = np.bincount(board, minlength=10)[1:]
        assert shown.min() >= 3
        assert shown.max() <= 5


def test_sudoku_planes_and_drawings_are_of_the_same_boards():
    planes, _ = drawn("sudoku", 20, 3)
    drawings, _ = drawn("sudoku-drawn", 20, 3)
    board = (planes[:, :9] // 255 * np.arange(1, 10)[:, None, None]).sum(1)
    ink = (drawings.reshape(20, 9, 6, 9, 6).swapaxes(2, 3) == 255).reshape(20, 9, 9, 36).sum(-1)
    strokes = np.array([0, *(form.count("1") for form in sudoku.FONT)])
    assert (ink == strokes[board]).all()
    assert len(set(sudoku.FONT)) == 9


def test_words_are_possible_in_their_language_only():
    x, labels = drawn("words", 300, 0)
    letters = x.reshape(300, 26, 3, 8) > 0
    assert letters.sum(1).max() == 1
    text = np.where(letters.any(1), letters.argmax(1), -1)
    lengths = (text >= 0).sum(2)
    assert (np.unique(lengths) == [5, 6, 7, 8]).all()
    assert ((text >= 0) == (np.arange(8) < lengths[..., None])).all()
    fits = words.possible(text, words.languages())
    assert (fits.sum(1) == 1).all()
    assert (fits.argmax(1) == labels).all()


def test_no_letter_tells_a_language():
    pairs = words.languages()
    assert np.allclose(pairs.sum((1, 2)), 1)
    assert np.abs(pairs.sum(1) - pairs.sum(1)[:1]).max() < 1e-9
    assert np.abs(pairs.sum(2) - pairs.sum(1)).max() < 1e-9


def test_chess_labels_by_another_way():
    x, labels = drawn("chess", 60, 0)
    assert (x.sum((2, 3)) // 255 == [4, 2, 2, 2, 1, 1] * 2).all()
    assert not x[:, [0, 6], 0].any()
    assert not x[:, [0, 6], 7].any()
    for image, label in zip(x, labels, strict=True):
        board = np.where(image.any(0), image.argmax(0) + 1, 0)
        found = [piece for piece in range(7, 13) for at in np.argwhere(board == piece) if hits(board, piece, at, 6)]
        assert found == ([label + 6] if label else [])
        assert not any(hits(board, piece, at, 12) for piece in range(1, 6) for at in np.argwhere(board == piece))


def hits(board: np.ndarray, piece: int, at: np.ndarray, king: int) -> bool:
    """Whether a piece attacks the king, as the rules say it."""
    y, x = np.argwhere(board == king)[0] - at
    far, kind = max(abs(y), abs(x)), (piece - 1) % 6 + 1
    straight, diagonal = y == 0 or x == 0, abs(y) == abs(x)
    clear = (straight or diagonal) and not any(
        board[at[0] + np.sign(y) * i, at[1] + np.sign(x) * i] for i in range(1, far)
    )
    return {
        1: (y, abs(x)) == ((1, 1) if piece > 6 else (-1, 1)),
        2: {abs(y), abs(x)} == {1, 2},
        3: diagonal and clear,
        4: straight and clear,
        5: clear,
        6: far == 1,
    }[kind]


def test_spectra_are_told_by_their_pair_of_lines():
    x, labels = drawn("spectra", 400, 0)
    curve = x[:, 0, 0].astype(float)
    narrow = curve - (np.roll(curve, 5, 1) + np.roll(curve, -5, 1)) / 2  # humps and slopes cancel
    narrow[:, :5] = narrow[:, -5:] = 0
    narrow += np.roll(narrow, 1, 1) + np.roll(narrow, -1, 1)
    scores = [
        (left * narrow[:, :-gap] + right * narrow[:, gap:]).max(1)
        for gap in spectra.SPACINGS
        for left, right in ((1, spectra.LOWER), (spectra.LOWER, 1))
    ]
    assert (np.argmax(scores, axis=0) == labels).mean() > 0.98  # so plain a reader is misled by a hump now and then


def test_figures_are_their_own_mirror_images_or_those_of_a_turned_one():
    u, v = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    for form in shapes.figures().values():
        assert np.allclose(form(u, v), form(u, -v), atol=1e-6)


def test_shapes_show_a_figure_that_differs_from_its_ground():
    x, _ = drawn("shapes", 64, 0)
    assert x.reshape(64, -1).std(1).min() > 5


# wrong wishes


def refused(words_: str, *arguments, **options) -> None:
    with pytest.raises(EvonasError, match=words_) as raised:
        make(*arguments, **options)
    assert "\n" not in str(raised.value)


def test_too_few_images_are_refused_with_the_least():
    for name in NAMES:
        kind = made_set(name)
        with pytest.raises(EvonasError, match="is too few for") as raised:
            sizes(kind, 5)
        least = int(str(raised.value).rpartition("give ")[2].split()[0])
        assert sizes(kind, least)["test"] >= kind.classes
        with pytest.raises(EvonasError):
            sizes(kind, least - 1)


def test_a_folder_that_holds_anything_else_is_never_written_over(tmp_path):
    kind = made_set("words")
    (tmp_path / "words").mkdir()
    assert make(kind, tmp_path, images=60) == (tmp_path / "words", False)  # it was empty
    before = {path.name: path.read_bytes() for path in (tmp_path / "words").iterdir()}
    assert make(kind, tmp_path, images=60) == (tmp_path / "words", True)
    refused("holds 'Words', made as .*; move it away, or give another --root", kind, tmp_path, images=60, seed=1)
    refused("holds 'Words', made as", kind, tmp_path, images=61)
    (tmp_path / "words" / "test_y.npy").unlink()
    refused("holds 'Words'", kind, tmp_path, images=60)
    assert all(before[path.name] == path.read_bytes() for path in (tmp_path / "words").iterdir())
    for content in ("{", "[]", json.dumps({"codename": "Theirs"})):
        (tmp_path / "words" / "metadata").write_text(content)
        refused("words' holds something else; move it away", kind, tmp_path, images=60)
    (tmp_path / "spectra").write_text("a file")
    refused("spectra' holds something else", made_set("spectra"), tmp_path, images=60)
    refused("cannot be written: .*; give another --root", kind, tmp_path / "spectra", images=60)
    assert {path.name for path in tmp_path.iterdir()} == {"words", "spectra"}


def test_nothing_is_left_of_what_could_not_be_made(tmp_path):
    kind = made_set("addnist")
    few = material(kind, each=3)
    refused(
        "different images of addnist cannot be made of so few others; give fewer",
        kind,
        tmp_path,
        images=9000,
        source=few,
    )
    assert list(tmp_path.iterdir()) == []


def test_wrong_names_and_seeds(tmp_path):
    with pytest.raises(EvonasError, match="no data set 'mnist' can be made; there are 'addnist', 'chess', "):
        made_set("mnist")
    refused("--seed -1 is below 0", made_set("words"), tmp_path, seed=-1)

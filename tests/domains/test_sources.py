"""Where images come from: files that are right, and files that are not."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from evonas.core.errors import EvonasError
from evonas.domains.images import Images, images_from_arrays, load_images, split

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 6, 6, 3), dtype=np.uint8)
Y = np.arange(20) % 4


def refused(spec: str, words: str, root=None) -> None:
    with pytest.raises(EvonasError, match=words) as raised:
        load_images(spec, root=root)
    assert "\n" not in str(raised.value)


# npz


def npz(folder, **arrays) -> str:
    np.savez(folder / "some.npz", **arrays)
    return f"npz:{folder / 'some.npz'}"


def test_npz_with_a_test_set_and_names(tmp_path):
    images = load_images(npz(tmp_path, x_train=X, y_train=Y, x_test=X[:4], y_test=Y[:4], class_names=list("abcd")))
    assert images.name == "some"
    assert (images.x == X).all()
    assert images.y_test.tolist() == [0, 1, 2, 3]
    assert images.class_names == ("a", "b", "c", "d")


def test_npz_without_a_test_set(tmp_path):
    images = load_images(npz(tmp_path, x_train=X[..., 0] / 255.0, y_train=Y))
    assert images.x.shape == (16, 6, 6, 1)
    assert images.x_test.shape == (4, 6, 6, 1)


def test_npz_with_validation_images(tmp_path):
    held = {"x_train": X, "y_train": Y, "x_val": X[4:10], "y_val": Y[4:10], "x_test": X[:4], "y_test": Y[:4]}
    images = load_images(npz(tmp_path, **held))
    assert (images.x_val == X[4:10]).all()
    assert images.y_val is not None
    assert images.y_val.tolist() == Y[4:10].tolist()
    data = split(images, seed=3)
    assert (data.x_val == X[4:10]).all()
    assert (data.x_train == X).all()
    refused(npz(tmp_path, **{key: value for key, value in held.items() if key != "y_val"}), "one of x_val and y_val")


def test_npz_with_labels_of_bytes(tmp_path):
    words = np.array([b"ant", b"bee", b"cat", b"dog"])[Y]
    images = load_images(npz(tmp_path, x_train=X, y_train=words, class_names=np.array([b"a", b"b", b"c", b"d"])))
    assert images.class_names == ("a", "b", "c", "d")
    assert load_images(npz(tmp_path, x_train=X, y_train=words)).class_names == ("ant", "bee", "cat", "dog")


def test_arrays_of_an_npz_that_no_search_uses_are_said(tmp_path):
    images = load_images(npz(tmp_path, x_train=X, y_train=Y, weights=np.ones(3), notes=np.array(["hello"], object)))
    assert images.left_out == ("arrays that no search uses (2): 'notes', 'weights'",)


def test_npz_of_jpegs(tmp_path):
    smooth = np.kron(RNG.integers(0, 256, (20, 2, 2, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    spec = npz(tmp_path, **jpegs("train", smooth), y_train=Y, **jpegs("test", smooth[:4]), y_test=Y[:4])
    images = load_images(spec)
    assert images.x.shape == (20, 16, 16, 3)
    assert np.abs(images.x.astype(int) - smooth).mean() < 8
    assert (images.x_test == images.x[:4]).all()


def jpegs(part: str, x: np.ndarray) -> dict[str, np.ndarray]:
    files = []
    for image in x:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=95, subsampling=0)
        files.append(file.getvalue())
    offsets = np.cumsum([0, *map(len, files)])
    return {f"jpeg_{part}": np.frombuffer(b"".join(files), np.uint8), f"offset_{part}": offsets}


def test_npz_of_damaged_jpegs(tmp_path):
    held = jpegs("train", X)
    held["jpeg_train"] = held["jpeg_train"].copy()
    held["jpeg_train"][:20] = 0
    refused(npz(tmp_path, **held, y_train=Y), "some.npz' holds a JPEG that cannot be decoded")


def test_npz_of_jpegs_names_all_that_are_damaged(tmp_path):
    held = jpegs("train", X)
    held["jpeg_train"] = held["jpeg_train"].copy()
    for i in range(8):
        held["jpeg_train"][held["offset_train"][i] : held["offset_train"][i] + 20] = 0
    refused(
        npz(tmp_path, **held, y_train=Y), "holds 8 JPEGs that cannot be decoded: number 0: .*number 4: .*, and 3 more"
    )


def test_npz_of_jpegs_of_several_sizes(tmp_path):
    small, large = jpegs("train", X[:10]), jpegs("train", np.zeros((10, 9, 9, 3), np.uint8))
    data = np.concatenate([small["jpeg_train"], large["jpeg_train"]])
    offsets = np.concatenate([small["offset_train"], small["offset_train"][-1] + large["offset_train"][1:]])
    refused(
        npz(tmp_path, jpeg_train=data, offset_train=offsets, y_train=Y),
        "some.npz' holds JPEGs of '6×6', '9×9'; all images need one size",
    )


def test_npz_of_jpegs_with_offsets_past_the_end(tmp_path):
    held = jpegs("train", X)
    held["offset_train"] = held["offset_train"] + 10**6
    refused(npz(tmp_path, **held, y_train=Y), "cannot be decoded")


def test_npz_mistakes(tmp_path):
    refused(npz(tmp_path, x_train=X), "has no array 'y_train'; it has 'x_train'")
    refused(npz(tmp_path, images=X, labels=Y), "has no array 'x_train'; it has 'images', 'labels'")
    refused(npz(tmp_path, x_train=X, y_train=Y.astype(object)), "cannot be read as an npz file without pickled")
    refused(npz(tmp_path, x_train=X, y_train=Y, x_test=X), "one of x_test and y_test")
    refused(npz(tmp_path, x_train=X, y_train=Y[:3]), "'some' has 20 images but 3 labels")
    refused(npz(tmp_path, x_train=X, y_train=Y, class_names=["a"]), "4 classes but 1 class names")
    refused(f"npz:{tmp_path / 'none.npz'}", "no file .*none.npz")
    refused(f"npz:{tmp_path}", "no file")
    refused("npz:", "no file")
    refused("npz", "no file")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_npz_that_is_none(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    refused(f"npz:{tmp_path / 'bad.npz'}", "bad.npz' cannot be read as an npz file")


def test_npz_that_is_a_single_array(tmp_path):
    with open(tmp_path / "bad.npz", "wb") as file:
        np.save(file, X)
    refused(f"npz:{tmp_path / 'bad.npz'}", "bad.npz' cannot be read as an npz file")


def test_npz_that_is_cut_off(tmp_path):
    np.savez_compressed(tmp_path / "bad.npz", x_train=RNG.integers(0, 256, (50, 9, 9)), y_train=np.arange(50) % 2)
    whole = (tmp_path / "bad.npz").read_bytes()
    (tmp_path / "bad.npz").write_bytes(whole[:3000] + b"\0" * 50 + whole[3050:])
    refused(f"npz:{tmp_path / 'bad.npz'}", "bad.npz' cannot be read as an npz file")


# folders


def write(path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def fill(folder, grey: bool = False, size: int = 10, per_class: int = 5) -> None:
    for name in ("cat", "dog"):
        for i in range(per_class):
            noise = RNG.integers(0, 256, (size, size + 2) if grey else (size, size + 2, 3), dtype=np.uint8)
            write(folder / name / f"{i}.png", noise)


def test_folder_of_colour_images(tmp_path):
    fill(tmp_path / "pets")
    images = load_images(f"folder:{tmp_path / 'pets'}")
    assert images.name == "pets"
    assert images.x.shape == (8, 10, 12, 3)
    assert images.class_names == ("cat", "dog")
    assert images.flip


def test_folder_of_grey_images(tmp_path):
    fill(tmp_path, grey=True)
    images = load_images(f"folder:{tmp_path}?size=12")
    assert images.x.shape[1:] == (12, 12, 1)
    assert not images.flip


def test_a_single_colour_image_makes_all_colour(tmp_path):
    fill(tmp_path, grey=True)
    write(tmp_path / "cat" / "red.png", np.full((5, 5, 3), (200, 0, 0), np.uint8))
    assert load_images(f"folder:{tmp_path}").x.shape[-1] == 3


def test_folder_with_train_and_test(tmp_path):
    fill(tmp_path / "train", per_class=5)
    fill(tmp_path / "test", per_class=2)
    images = load_images(f"folder:{tmp_path}")
    assert (len(images.y), len(images.y_test)) == (10, 4)
    assert images.class_names == ("cat", "dog")


def test_images_keep_their_pixels_where_the_size_fits(tmp_path):
    noise = RNG.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    for i, image in enumerate(noise):
        write(tmp_path / "train" / "ab"[i % 2] / f"{i}.png", image)
        write(tmp_path / "test" / "ab"[i % 2] / f"{i}.png", image)
    images = load_images(f"folder:{tmp_path}")
    assert {image.tobytes() for image in images.x} == {image.tobytes() for image in noise}


def test_palette_and_transparent_and_16_bit_images(tmp_path):
    fill(tmp_path)
    noise = RNG.integers(0, 256, (8, 8, 4), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cat" / "transparent.png")
    Image.fromarray(noise[..., :3]).convert("P").save(tmp_path / "cat" / "palette.gif")
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "dog" / "deep.png")
    images = load_images(f"folder:{tmp_path}?size=8")
    assert len(images.y) + len(images.y_test) == 13
    both = np.concatenate([images.x, images.x_test])
    expected = np.rint(ramp / 257).astype(int)
    assert sum(np.abs(image[..., 0] - expected).max() <= 1 for image in both) == 1


def test_other_files_are_passed_over(tmp_path):
    fill(tmp_path)
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / "cat" / "notes.txt").write_text("hello")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "cat" / "._0.png").write_bytes(b"what a Mac leaves on a foreign disk")
    (tmp_path / ".thumbnails").mkdir()
    assert load_images(f"folder:{tmp_path}").class_names == ("cat", "dog")


@pytest.mark.parametrize("content", [b"", b"no image at all", "half"])
def test_a_damaged_image_is_named(tmp_path, content):
    fill(tmp_path)
    path = tmp_path / "dog" / "damaged.png"
    if content == "half":
        whole = (tmp_path / "dog" / "0.png").read_bytes()
        content = whole[: len(whole) // 2]
    path.write_bytes(content)
    refused(f"folder:{tmp_path}", "damaged.png' cannot be read: .*; mend or remove it")


def test_folder_mistakes(tmp_path):
    fill(tmp_path / "pets")
    refused(f"folder:{tmp_path / 'none'}", "no folder .*none")
    refused(f"folder:{tmp_path / 'pets' / 'cat'}", "cat' holds no images")
    refused("folder:", "no folder|holds no images")
    for query in ("size=3", "size=1025", "size=x", "size=", "width=8", "size=-8", "size=8.5"):
        refused(f"folder:{tmp_path / 'pets'}?{query}", "cannot read .*; write .size=48, from 4 to 1024")
    fill(tmp_path / "one" / "train")
    (tmp_path / "one" / "test" / "cat").mkdir(parents=True)
    refused(f"folder:{tmp_path / 'one'}", "test' holds no images")
    fill(tmp_path / "half")
    (tmp_path / "half" / "bird").mkdir()
    refused(f"folder:{tmp_path / 'half'}", "bird' holds no images")
    for name in ("a", "b"):
        write(tmp_path / "single" / name / "0.png", np.zeros((4, 4, 3), np.uint8))
    refused(f"folder:{tmp_path / 'single'}", "class 'a' of 'single' has 1 of the 3 images")


# names


def test_unknown_names():
    refused(
        "digit",
        "no data source named 'digit'; there are 'csv', 'digits', 'folder', 'hf', 'npy', 'npz', 'series', 'tars', 't",
    )
    refused("", "no data source named")
    refused("digits:3", "digits takes no argument")


def test_a_users_own_loader(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from evonas.domains.images import images_from_arrays\n"
        "def load(argument, root=None):\n"
        "    return images_from_arrays(np.zeros((20, 4, 4)), np.arange(20) % 2, name='mine')\n"
        "ready = load('')\n"
        "def wrong(argument, root=None):\n"
        "    return np.zeros(3)\n"
    )
    assert load_images(f"{tmp_path / 'mine.py'}:load").name == "mine"
    assert load_images(f"{tmp_path / 'mine.py'}:ready").name == "mine"
    refused(
        f"{tmp_path / 'mine.py'}:wrong",
        "gave a ndarray, not Images; evonas.domains.images.images_from_arrays",
    )


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            "Images('mine', X / 255, Y, X, Y, NAMES)",
            "x of Images 'mine' holds float64 of shape .20, 4, 4, 1., not uint8",
        ),
        ("Images('mine', X[..., 0], Y, X, Y, NAMES)", "holds uint8 of shape .20, 4, 4., not uint8 of .n, height"),
        ("Images('mine', X, Y, X[:, :3], Y, NAMES)", "x_test of Images 'mine' has images of .3, 4, 1., x of .4, 4, 1."),
        ("Images('mine', X, Y[:3], X, Y, NAMES)", "y of Images 'mine' holds int64 of shape .3,., not one whole number"),
        ("Images('mine', X, Y / 1, X, Y, NAMES)", "y of Images 'mine' holds float64"),
        ("Images('mine', X, Y + 1, X, Y, NAMES)", "y of Images 'mine' goes from 1 to 2, but there are 2 class names"),
        ("Images('mine', X, Y - 1, X, Y, NAMES)", "y of Images 'mine' goes from -1 to 0"),
        ("Images('mine', X, Y, X, Y, NAMES, x_val=X)", "'mine' has one of x_val and y_val; give both, or neither"),
    ],
)
def test_a_users_own_images_of_another_form_are_refused(tmp_path, made, words):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from evonas.domains.images import Images\n"
        "X, Y, NAMES = np.zeros((20, 4, 4, 1), np.uint8), np.arange(20) % 2, ('a', 'b')\n"
        f"def load(argument, root=None):\n    return {made}\n"
    )
    refused(f"{tmp_path / 'mine.py'}:load", words)


def test_labels_of_a_users_own_images_may_be_any_whole_numbers():
    images = Images("mine", X, (Y % 2).astype(np.int32), X, (Y % 2).astype(np.uint8), ("a", "b"))
    assert (images.y.dtype, images.y_test.dtype) == (np.int64, np.int64)
    assert images.reader is not None
    assert images.reader.scale.words == "bytes"


def test_reading_tasks_loads_no_torch():
    import subprocess

    code = (
        "import sys; from evonas.domains.images import load_images; load_images('digits'); "
        "print('torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_all_sources_give_the_same_form(tmp_path):
    fill(tmp_path / "pets")
    for spec in ("digits", f"folder:{tmp_path / 'pets'}", npz(tmp_path, x_train=X, y_train=Y)):
        images = load_images(spec)
        assert isinstance(images, Images)
        for x, y in ((images.x, images.y), (images.x_test, images.y_test)):
            assert (x.dtype, x.ndim, y.dtype) == (np.uint8, 4, np.int64)
            assert len(x) == len(y) > 0
            assert 0 <= y.min() <= y.max() < len(images.class_names)
    assert isinstance(images_from_arrays(X, Y), Images)

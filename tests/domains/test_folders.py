"""Which files of a folder are images of which class, and what is said of the others."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from evonas.core.errors import EvonasError
from evonas.domains.domain import domain_named, load_data, refuse_left_out
from evonas.domains.images import load_images, split, walking
from evonas.domains.images.pictures import ENDINGS

RNG = np.random.default_rng(0)


def write(path, size: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path)


def fill(folder, *classes: str, n: int = 5) -> str:
    """The spec of a folder with so many pictures a class."""
    for name in classes:
        for i in range(n):
            write(folder / name / f"{i}.png")
    return f"folder:{folder}?size=8"


def refused(spec: str, words: str) -> None:
    with pytest.raises(EvonasError, match=words) as raised:
        load_images(spec)
    assert "\n" not in str(raised.value)


def count(images) -> int:
    return len(images.y) + len(images.y_test) + (0 if images.y_val is None else len(images.y_val))


def test_a_plain_folder_leaves_nothing_out(tmp_path):
    images = load_images(fill(tmp_path, "cat", "dog"))
    assert (count(images), images.left_out) == (10, ())
    refuse_left_out(images)


# what belongs to a class


def test_deeper_folders_belong_to_their_class(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    for i in range(3):
        write(tmp_path / "cat" / "black" / "young" / f"{i}.png")
    images = load_images(spec)
    assert (count(images), images.class_names, images.left_out) == (13, ("cat", "dog"), ())
    assert np.bincount(images.y).sum() + np.bincount(images.y_test).sum() == 13
    assert (images.y == 0).sum() + (images.y_test == 0).sum() == 8


@pytest.mark.parametrize(
    "ending", ["PNG", "jpg", "JPEG", "jpe", "jfif", "bmp", "gif", "webp", "tif", "TIFF", "ppm", "tga"]
)
def test_usual_endings_in_any_case(tmp_path, ending):
    spec = fill(tmp_path, "cat", "dog")
    write(tmp_path / "cat" / "0.png")
    Image.open(tmp_path / "cat" / "0.png").save(
        tmp_path / "cat" / f"other.{ending}", "JPEG" if ending in ("jpe", "jfif") else None
    )
    assert count(load_images(spec)) == 11


@pytest.mark.parametrize(
    ("ending", "package"), [("heic", "pillow-heif"), ("HEIF", "pillow-heif"), ("avif", "-U pillow")]
)
def test_pictures_that_another_package_reads_are_counted_with_the_way_out(tmp_path, monkeypatch, ending, package):
    monkeypatch.setattr(walking, "endings", lambda: ENDINGS)  # of those that are read everywhere
    spec = fill(tmp_path, "cat", "dog")
    for i in range(2):
        shutil.copy(tmp_path / "cat" / "0.png", tmp_path / "cat" / f"phone{i}.{ending}")
    images = load_images(spec)
    assert images.left_out == (
        f"files that end with .{ending.lower()}, which pip install {package} makes readable (2): "
        f"'cat/phone0.{ending}', 'cat/phone1.{ending}'",
    )
    with pytest.raises(
        EvonasError, match=f"--strict: of '{tmp_path.name}' was left out: files that end with .\\w+, which"
    ):
        refuse_left_out(images)
    for path in (tmp_path / "cat").glob("*.png"):
        path.unlink()
    refused(spec, f"cat' holds no images .files that end with .{ending.lower()}, which pip install {package}")


def test_linked_folders_and_files_belong_to_their_class(tmp_path):
    fill(tmp_path / "elsewhere", "animals", n=6)
    spec = fill(tmp_path / "pets", "dog")
    (tmp_path / "pets" / "cat").symlink_to(tmp_path / "elsewhere" / "animals", target_is_directory=True)
    (tmp_path / "pets" / "dog" / "more").symlink_to(tmp_path / "elsewhere" / "animals", target_is_directory=True)
    (tmp_path / "pets" / "dog" / "one.png").symlink_to(tmp_path / "elsewhere" / "animals" / "0.png")
    images = load_images(spec)
    assert (count(images), images.class_names, images.left_out) == (6 + 5 + 6 + 1, ("cat", "dog"), ())


def test_links_in_a_circle_end_and_are_said(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    (tmp_path / "cat" / "inner").mkdir()
    (tmp_path / "cat" / "inner" / "again").symlink_to(tmp_path / "cat", target_is_directory=True)
    (tmp_path / "dog" / "self").symlink_to(tmp_path / "dog" / "self")
    images = load_images(spec)
    assert count(images) == 10
    assert "links that lead back to a folder above (1): 'cat/inner/again'" in images.left_out


def test_a_link_to_nothing_is_named(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    (tmp_path / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    refused(spec, "gone.png' cannot be read")


def test_a_pipe_is_no_picture(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    images = load_images(spec)
    assert images.left_out == ("pictures by name that are no files (1): 'cat/pipe.png'",)


# what does not


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "__MACOSX", ".git", "@eaDir"])
def test_hidden_folders_are_no_classes(tmp_path, name):
    spec = fill(tmp_path, "cat", "dog")
    fill(tmp_path, name, f"cat/{name}", n=2)
    images = load_images(spec)
    assert (images.class_names, count(images)) == (("cat", "dog"), 10)
    assert images.left_out == (f"hidden folders (2): 'cat/{name}', '{name}'",)


def test_what_systems_leave_behind_is_not_worth_a_word(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    for path in (tmp_path / ".DS_Store", tmp_path / "cat" / "Thumbs.db", tmp_path / "cat" / "desktop.ini"):
        path.write_bytes(b"x")
    (tmp_path / ".cache").mkdir()
    assert load_images(spec).left_out == ()


def test_everything_else_is_said(tmp_path):
    spec = fill(tmp_path, "cat", "dog")
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / "cat" / "labels.csv").write_text("hello")
    (tmp_path / "cat" / "LICENSE").write_text("hello")
    (tmp_path / "cat" / "._0.png").write_bytes(b"what a Mac leaves on a foreign disk")
    write(tmp_path / "loose.png")
    images = load_images(spec)
    assert count(images) == 10
    assert sorted(images.left_out) == [
        "files that end with .csv (1): 'cat/labels.csv'",
        "files that end with .txt (1): 'README.txt'",
        "files without an ending (1): 'cat/LICENSE'",
        "hidden pictures (1): 'cat/._0.png'",
        "pictures outside of any class (1): 'loose.png'",
    ]
    with pytest.raises(EvonasError, match="--strict: .*; and 2 more$"):
        refuse_left_out(images)


# training, validation and test


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_validation_folders_validate(tmp_path, val):
    for part, n in (("train", 6), (val, 3), ("test", 2)):
        spec = fill(tmp_path / part, "cat", "dog", n=n)
    spec = f"folder:{tmp_path}?size=8"
    images = load_images(spec)
    assert images.y_val is not None
    assert (len(images.y), len(images.y_val), len(images.y_test)) == (12, 6, 4)
    for seed in (0, 1):
        data = split(images, seed=seed)
        assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (12, 6, 4)
        assert (data.x_val == images.x_val).all()
    few = split(images, seed=0, train_size=5)
    assert (len(few.y_train), len(few.y_val)) == (5, 6)


def test_training_and_validation_without_a_test(tmp_path):
    for part, n in (("train", 10), ("val", 3)):
        fill(tmp_path / part, "cat", "dog", n=n)
    images = load_images(f"folder:{tmp_path}?size=8")
    assert images.y_val is not None
    assert (len(images.y), len(images.y_val), len(images.y_test)) == (16, 6, 4)
    assert "no test images were given: a fixed fifth, stratified by class, is kept for the test" in images.notes


def test_a_lone_training_folder_is_opened(tmp_path):
    fill(tmp_path / "train", "cat", "dog")
    assert load_images(f"folder:{tmp_path}?size=8").class_names == ("cat", "dog")


def test_folders_beside_the_parts_are_said(tmp_path):
    for part in ("train", "test", "extra"):
        fill(tmp_path / part, "cat", "dog")
    write(tmp_path / "example.png")
    images = load_images(f"folder:{tmp_path}?size=8")
    assert count(images) == 20
    assert images.left_out == (
        "folders beside those for training, validation and test (1): 'extra'",
        "files beside the folders for training, validation and test (1): 'example.png'",
    )


def test_names_of_parts_may_be_classes(tmp_path):
    """Pictures of trains and cars."""
    assert load_images(fill(tmp_path, "train", "car", "bus")).class_names == ("bus", "car", "train")


def test_parts_that_cannot_be_meant(tmp_path):
    for part in ("val", "test"):
        fill(tmp_path / "a" / part, "cat", "dog")
    refused(f"folder:{tmp_path / 'a'}", "has 'val' and 'test', but no 'train'; name the one to learn from so")
    for part in ("train", "val", "validation"):
        fill(tmp_path / "b" / part, "cat", "dog")
    refused(f"folder:{tmp_path / 'b'}", "has 'val' and 'validation', which mean the same; keep one of them")
    fill(tmp_path / "c" / "train", "cat", "dog")
    fill(tmp_path / "c" / "val", "cat", "cow")
    refused(f"folder:{tmp_path / 'c'}", "has validation labels that no training image has: .'cow'.")


# folders that cannot be searched


def test_a_flat_folder_is_told_what_is_expected(tmp_path):
    for i in range(3):
        write(tmp_path / f"cat{i}.png")
    refused(
        f"folder:{tmp_path}",
        "holds no images in folders of classes; 3 files lie directly in it; give each class a folder, as in cat/1.png",
    )
    (tmp_path / "empty").mkdir()
    refused(f"folder:{tmp_path / 'empty'}", "empty' holds no images in folders of classes; give each class a folder")


def test_a_question_mark_in_a_name(tmp_path):
    fill(tmp_path / "what?", "cat", "dog")
    assert load_images(f"folder:{tmp_path / 'what?'}").x.shape[1] == 8
    assert load_images(f"folder:{tmp_path / 'what?'}?size=12").x.shape[1] == 12
    fill(tmp_path / "50% (1) #x", "cat", "dog")
    assert load_images(f"folder:{tmp_path / '50% (1) #x'}?size=8").class_names == ("cat", "dog")


def test_names_that_are_no_utf_8(tmp_path):
    """As an archive from Windows leaves them."""
    top = tmp_path / os.fsdecode(b"men\xfc")
    try:
        top.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    for name in (b"caf\xe9", b"th\xe9", b"wasser"):
        for i in range(5):
            write(top / os.fsdecode(name) / f"{i}.png")
    (tmp_path / "menu").symlink_to(top, target_is_directory=True)
    images = load_images(f"folder:{tmp_path / 'menu'}?size=8")
    assert images.class_names == ("caf\\xe9", "th\\xe9", "wasser")
    assert images.name == "men\\xfc"
    assert [note for note in images.notes if "UTF-8" in note] == [
        "the name of the folder of class caf\\xe9 is no UTF-8",
        "the name of the folder of class th\\xe9 is no UTF-8",
    ]
    "".join([images.name, *images.class_names, *images.notes, *images.left_out]).encode()
    refused(f"folder:{top}?size=8", "--data 'folder:.*men.*xfc.size=8' is no UTF-8; rename that file or folder")
    (top / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.png")).write_bytes(b"no image")
    refused(f"folder:{tmp_path / 'menu'}?size=8", "cannot be read")


def test_what_a_search_says_at_its_start(tmp_path):
    spec = fill(tmp_path, "cat", "dog", n=10)
    (tmp_path / "README.txt").write_text("hello")
    data = load_data(spec)
    domain = domain_named(data.domain)
    said = domain.found(domain.split(data, seed=0))
    assert said == [
        f"{tmp_path.name}: 13 images train, 3 validate, 4 test; 8×8×3 each, bytes",
        "2 classes: cat (10), dog (10)",
        "no test images were given: a fixed fifth, stratified by class, is kept for the test",
        "left out: files that end with .txt (1): 'README.txt'",
    ]

"""`--groups` in a whole search: from an array, a file, a level of folders; the same ones when it goes on."""

import numpy as np
import pytest

from evonas.app.config import SearchConfig
from evonas.app.preparation import prepare
from evonas.core.errors import EvonasError
from evonas.domains.domain import load_data
from evonas.domains.images import Images, images_from_arrays
from evonas.memory.archive import Archive
from tests.app.quick import resume, search
from tests.app.test_limits import blobs, options, trials

SEARCH = {"encoding": "cell(width=4)", "method": "random", "trials": 1}
GROUPS = np.arange(90) // 6


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes, six patients of both, four pictures each."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos") / "photos"
    rng = np.random.default_rng(0)
    for label in ("ill", "well"):
        for patient in range(6):
            place = folder / label / f"patient{patient}" / "visit1"
            place.mkdir(parents=True)
            for number in range(4):
                pixels = rng.integers(0, 255, (8, 8, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return folder


def patients(names):
    return {name.split("/")[-3] for name in names}


def prepared(folder, data, **further):
    given = {**options(folder, trials=1, encoding="cell(width=4)"), "data": data, **further}
    return prepare(SearchConfig.make(given))


def test_a_level_of_folders_and_files_say_the_same(photos, tmp_path):
    level = prepared(tmp_path / "a", f"folder:{photos}", groups=1)
    assert patients(level.data.files_test)
    assert len(level.data.y_train) + len(level.data.y_val) + len(level.data.y_test) == 48
    assert level.record.config["groups"] == "1"
    names = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))
    named, plain = tmp_path / "named.csv", tmp_path / "plain.txt"
    named.write_text("file,group\n" + "".join(f"{name},{name.split('/')[1]}\n" for name in reversed(names)))
    plain.write_text("group\n" + "".join(f"{name.split('/')[1]}\n" for name in names))
    for file in (named, plain):
        found = prepared(tmp_path / "a", f"folder:{photos}", groups=str(file))
        assert found.config.grouped == level.config.grouped
        assert found.data.files_test == level.data.files_test
        assert found.config.groups == str(file)
    assert patients(level.data.files_test) != patients(prepared(tmp_path / "a", f"folder:{photos}").data.files_test)


def test_parts_in_folders_of_their_own(photos, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train").symlink_to(photos)
    (tmp_path / "set" / "test").symlink_to(photos)
    found = prepared(tmp_path / "a", f"folder:{tmp_path / 'set'}", groups=1)
    assert len(found.data.y_test) == 48
    assert any("whatever their groups" in line for line in found.data.notes)


def test_an_array_is_recorded_and_given_again(tmp_path):
    search(*blobs(), groups=GROUPS, **options(tmp_path, **SEARCH))
    found, record = trials(tmp_path), Archive(tmp_path / "a.db").run("run")
    assert record.config["groups"] == "memory"
    place = {"archive": str(tmp_path / "a.db"), "data": images_from_arrays(*blobs(), name="memory"), "trials": 2}
    with pytest.raises(
        EvonasError, match="the groups of this run were an array, which is gone; give it again: groups="
    ):
        resume("run", **place)
    with pytest.raises(EvonasError, match="--groups memory: the groups have changed since the run began"):
        resume("run", groups=GROUPS[::-1] // 2, **place)
    resume("run", groups=[f"p{one}" for one in GROUPS], **place)
    assert trials(tmp_path)[:1] == found


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (
            "3",
            r"--groups 3: 'ill/patient0/visit1/0.png' lies in no folder of that level; 1 is the first below a class's",
        ),
        ("0", "--groups 0: .* lies in no folder of that level"),
        ("missing.csv", "--groups '.*missing.csv' cannot be read: No such file or directory; give a file"),
        ("three.csv", "--groups '.*three.csv' needs one column, a group, or two"),
        ("few.csv", "--groups '.*few.csv' has no group for 'ill/patient0/visit1/0.png' and 47 more"),
        ("short.csv", "groups has 2 values for 48 images"),
    ],
)
def test_what_cannot_be_read_as_groups(photos, tmp_path, groups, says):
    (tmp_path / "three.csv").write_text("a,b,c\n")
    (tmp_path / "few.csv").write_text("a.png,b\n")
    (tmp_path / "short.csv").write_text("a\nb\n")
    given = groups if groups.isdecimal() else str(tmp_path / groups)
    with pytest.raises(EvonasError, match=says) as error:
        prepared(tmp_path / "a", f"folder:{photos}", groups=given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_what_is_not_of_files(tmp_path):
    (tmp_path / "named.csv").write_text("a.png,b\n")
    with pytest.raises(EvonasError, match="--groups 1 is a level of folders, and 'digits' is not of folders"):
        prepared(tmp_path, "digits", groups=1)
    with pytest.raises(EvonasError, match="names files, and 'digits' is not of files; give a group a line"):
        prepared(tmp_path, "digits", groups=str(tmp_path / "named.csv"))
    assert isinstance(digits := load_data("digits"), Images)
    assert digits.aside is not None

"""Tables of paths, WebDataset's tars, Hugging Face's folders: the pictures come out, and what is wrong is said."""

import gzip
import io
import json
import tarfile
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evonas.app.config import SearchConfig
from evonas.app.paths import absolute
from evonas.core.errors import EvonasError
from evonas.domains.images import load_images
from evonas.domains.images.collected import part_named

KINDS = ("ash", "oak", "elm")
needs_datasets = pytest.mark.skipif(not find_spec("datasets"), reason="datasets is not installed")


def picture(number):
    """Colours that PNG keeps, others for each number."""
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def png(number):
    held = io.BytesIO()
    picture(number).save(held, "png")
    return held.getvalue()


def pixels(*numbers):
    return np.stack([np.asarray(picture(number)) for number in numbers])


def kind(number):
    return KINDS[number % 3]


def named(images, labels):
    return [images.class_names[label] for label in labels]


# --- csv


def table(folder, header="image,label", lines=None, name="labels.csv", n=12):
    (folder / "pictures").mkdir(exist_ok=True)
    for number in range(n):
        (folder / "pictures" / f"{number}.png").write_bytes(png(number))
    lines = [f"pictures/{number}.png,{kind(number)}" for number in range(n)] if lines is None else lines
    (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return f"csv:{folder / name}"


def test_a_table_of_paths_and_labels(tmp_path):
    lines = [f"{kind(i)};{('train', 'Validation', 'test')[i // 6]};{i}.png" for i in range(18)]
    spec = table(tmp_path, "kind;split;path", lines, n=18)
    found = load_images(f"{spec}?image=path&label=kind&folder=pictures&size=8")
    assert found.class_names == ("ash", "elm", "oak")
    assert (found.x == pixels(*range(6))).all()
    assert found.x_val is not None
    assert (found.x_val == pixels(*range(6, 12))).all()
    assert (found.x_test == pixels(*range(12, 18))).all()
    assert named(found, found.y) == [kind(i) for i in range(6)]
    assert list(found.files_test) == [f"{i}.png" for i in range(12, 18)]


def test_numbers_are_classes_in_their_order(tmp_path):
    lines = [f"pictures/{i}.png,{9 + i % 3}" for i in range(12)]
    assert load_images(table(tmp_path, lines=lines)).class_names == ("9", "10", "11")


def test_a_line_that_is_there_again_is_passed_over(tmp_path):
    lines = [f"pictures/{i}.png,{kind(i)}" for i in [*range(12), 3, 3]]
    found = load_images(table(tmp_path, lines=lines))
    assert len(found.x) + len(found.x_test) == 12
    assert found.left_out == ("lines of a picture that was there before (2): 'pictures/3.png', 'pictures/3.png'",)


@pytest.mark.parametrize(
    ("query", "header", "lines", "says"),
    [
        (
            "",
            "a,b",
            None,
            "has no column that is called as one of images usually is; it has 'a', 'b': csv:.*image=COLUMN",
        ),
        ("?label=sort", "image,label", None, "has no column 'sort'; it has 'image', 'label'"),
        ("?kind=b", "image,label", None, r"cannot read 'kind=b' in csv:.*; also image=…, label=…, split=…, folder=…"),
        ("?folder=none", "image,label", None, "no folder '.*none'; folder=… in csv:.* is where the paths begin"),
        ("", "image,label", [], "holds no picture"),
        ("", "image,label", ["pictures/1.png,"], "has no label in line 2"),
        ("", "image,label", ["pictures/1.png,a", "pictures/none.png,b"], "names 'pictures/none.png' in line 3"),
        ("", "image,label", ["pictures/1.png,a", "pictures/1.png,b"], "in line 2 and in line 3 with another label"),
        ("", "image,label", ["pictures/1.png,a,c"], "has another number of columns in line 2"),
        ("", "image,label,split", ["pictures/1.png,a,x", "pictures/2.png,a,train"], "of which 'x' is no part"),
        ("", "image,label,split", ["pictures/1.png,a,val", "pictures/2.png,a,test"], "but no 'train'"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, query, header, lines, says):
    with pytest.raises(EvonasError, match=says) as error:
        load_images(table(tmp_path, header, lines) + query)
    assert "\n" not in str(error.value)


def test_a_file_with_options_is_kept_by_its_absolute_path(tmp_path, monkeypatch):
    """A run is resumed from any folder."""
    table(tmp_path)
    monkeypatch.chdir(tmp_path)
    for spec in ("csv:labels.csv?label=label", "folder:pictures?size=8", "csv:labels.csv"):
        source, _, place = spec.partition(":")
        assert absolute(SearchConfig.make({"data": spec})).data == f"{source}:{tmp_path}/{place}"


# --- tars


def shard(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in samples.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def samples(*numbers, label=lambda number: {"cls": str(number % 3).encode()}):
    found = {}
    for number in numbers:
        found |= {f"a/{number}.{ending}": data for ending, data in {"png": png(number), **label(number)}.items()}
    return found


def test_shards_of_parts(tmp_path):
    shard(tmp_path / "train-000.tar", samples(*range(6)))
    shard(tmp_path / "train-001.tar", samples(*range(6, 12)))
    shard(tmp_path / "val" / "000.tar", samples(12, 13, 14))
    shard(tmp_path / "test-000.tar", samples(15, 16, 17))
    found = load_images(f"tars:{tmp_path}?size=8")
    assert found.class_names == ("0", "1", "2")
    assert (found.x == pixels(*range(12))).all()
    assert found.x_val is not None
    assert (found.x_val == pixels(12, 13, 14)).all()
    assert (found.x_test == pixels(15, 16, 17)).all()
    assert found.y.tolist() == [0, 1, 2] * 4
    assert found.files[7] == "train-001.tar/a/7.png"
    some = load_images(f"tars:{tmp_path}/train-{{000..001}}.tar")
    assert len(some.x) + len(some.x_test) == 12


def test_labels_of_other_members(tmp_path):
    def both(number):
        return {
            "txt": f"{kind(number)}\n".encode(),
            "json": json.dumps({"kind": kind(number)}).encode(),
            "mask.png": png(99),
        }

    path = shard(tmp_path / "all.tar", {**samples(*range(9), label=both), "b/1.txt": b"no picture", "NOTES": b"x"})
    with pytest.raises(EvonasError, match=r"has 'mask.png', 'png'; say which is the picture: \?image=png"):
        load_images(f"tars:{path}?label=txt")
    for label in ("txt", "json.kind"):
        found = load_images(f"tars:{path}?image=png&label={label}")
        assert found.class_names == ("ash", "elm", "oak")
        assert found.name == "all"
        assert found.left_out == ("samples without a picture (1): 'all.tar/b/1.txt'",)


def test_what_is_no_shard_is_one_line(tmp_path):
    whole = shard(tmp_path / "a.tar", samples(*range(9)))
    (tmp_path / "cut.tar").write_bytes(whole.read_bytes()[:3000])
    (tmp_path / "zip.tar").write_bytes(gzip.compress(whole.read_bytes()))
    shard(tmp_path / "empty" / "a.tar", {})
    shard(tmp_path / "odd" / "a.tar", samples(1, 2, label=lambda number: {"json": b'{"kind": [1]}'}))
    damaged = samples(*range(9))
    damaged["a/4.png"] = b"no picture"
    shard(tmp_path / "damaged" / "a.tar", damaged)
    (tmp_path / "none").mkdir()
    for spec, says in {
        f"{tmp_path}/cut.tar": "'.*cut.tar' cannot be read: ",
        f"{tmp_path}/zip.tar": r"cannot be read: .*give a whole tar archive that is not compressed \(gunzip\)",
        f"{tmp_path}/empty": "holds no pictures; give tars with members as 1.jpg and 1.cls",
        f"{tmp_path}/none": "the folder '.*none' holds no .tar",
        f"{tmp_path}/a-{{00..03}}.tar": "no file '.*a-00.tar'",
        f"{tmp_path}/a.tar?label=txt": r"the sample 'a.tar/a/0' has no member .txt, only 'cls', 'png'",
        f"{tmp_path}/odd?label=json.kind": r"has the label \[1\]; give a text or a whole number",
        f"{tmp_path}/odd?label=json.sort": "has no field 'sort'",
        f"{tmp_path}/damaged": "the image 'a.tar/a/4.png' cannot be read: ",
    }.items():
        with pytest.raises(EvonasError, match=says) as error:
            load_images(f"tars:{spec}")
        assert "\n" not in str(error.value), spec


def test_a_link_in_an_archive_leads_nowhere(tmp_path):
    """A member that is a link is no picture, wherever it points."""
    (tmp_path / "secret.png").write_bytes(png(50))
    path = shard(tmp_path / "a.tar", samples(*range(9)))
    with tarfile.open(path, "a") as tar:
        member = tarfile.TarInfo("a/50.png")
        member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.png")
        tar.addfile(member)
        label = tarfile.TarInfo("a/50.cls")
        label.size = 1
        tar.addfile(label, io.BytesIO(b"0"))
    found = load_images(f"tars:{path}")
    assert len(found.x) + len(found.x_test) == 9
    assert found.left_out == ("samples without a picture (1): 'a.tar/a/50.cls'",)


# --- Hugging Face


def data_set(*numbers, names=KINDS, **columns):
    import datasets

    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=list(names))})
    held = {"picture": [picture(number) for number in numbers], "kind": [number % 3 for number in numbers], **columns}
    return datasets.Dataset.from_dict(held, features=features)


@needs_datasets
def test_what_save_to_disk_wrote(tmp_path):
    import datasets

    parts: Any = {"train": data_set(*range(6)), "validation": data_set(6, 7, 8), "test": data_set(9, 10, kind=[-1, -1])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "trees", num_shards={"train": 2, "validation": 1, "test": 1})
    found = load_images(f"hf:{tmp_path / 'trees'}?size=8")
    whole = np.concatenate([found.x, found.x_test])
    assert {image.tobytes() for image in whole} == {image.tobytes() for image in pixels(*range(6))}
    assert found.x_val is not None
    assert (found.x_val == pixels(6, 7, 8)).all()
    assert named(found, found.y_val) == ["ash", "oak", "elm"]
    assert found.left_out == ("parts whose labels are all -1, kept back (1): 'test'",)
    data_set(*range(9)).save_to_disk(tmp_path / "one")
    assert load_images(f"hf:{tmp_path / 'one'}").name == "one"


@needs_datasets
def test_parquet_as_in_a_repository(tmp_path):
    for i, numbers in enumerate((range(3), range(3, 6))):
        data_set(*numbers).to_parquet(tmp_path / "data" / f"train-0000{i}-of-00002.parquet")
    data_set(9, 10, 11).to_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    (tmp_path / "README.md").write_text("---\nconfigs:\n- data_files: https://example.com/x.parquet\n---\n")
    found = load_images(f"hf:{tmp_path}?size=8")
    assert (found.x == pixels(*range(6))).all()
    assert (found.x_test == pixels(9, 10, 11)).all()
    assert named(found, found.y_test) == ["ash", "oak", "elm"]
    assert found.files[3] == "train/3"
    (tmp_path / "other").mkdir()
    data_set(0).to_parquet(tmp_path / "other" / "train.parquet")
    with pytest.raises(EvonasError, match="the split 'train' is in '.*data', '.*other'; give the folder of one"):
        load_images(f"hf:{tmp_path}")


def test_pictures_of_which_one_is_damaged_and_rows_that_are_odd(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures = [{"bytes": png(i), "path": f"{i}.png"} for i in range(9)]
    labels = [kind(i) for i in range(9)]
    pq.write_table(pa.table({"image": pictures, "label": labels}), tmp_path / "train.parquet")
    assert load_images(f"hf:{tmp_path}").class_names == ("ash", "elm", "oak")
    pictures[2] = {"bytes": b"nothing", "path": "2.png"}
    pq.write_table(pa.table({"image": pictures, "label": labels}), tmp_path / "train.parquet")
    with pytest.raises(EvonasError, match="the image 'train/2.png' cannot be read: "):
        load_images(f"hf:{tmp_path}")
    for query, says in {
        "?label=sort": "has no column 'sort'; it has 'image', 'label'",
        "?x=1": "cannot read 'x=1'",
    }.items():
        with pytest.raises(EvonasError, match=says):
            load_images(f"hf:{tmp_path}{query}")
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(EvonasError, match="cannot be read as a data set: ") as error:
        load_images(f"hf:{tmp_path}")
    assert "\n" not in str(error.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvonasError, match="is no data set of Hugging Face's"):
        load_images(f"hf:{tmp_path / 'empty'}")


def test_what_parts_may_be_called():
    parts = {"train-00000-of-00001": "train", "Validation": "val", "test.tar": "test", "trainset": None, "all": None}
    assert {name: part_named(name) for name in parts} == parts

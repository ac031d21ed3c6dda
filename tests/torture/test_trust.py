"""Files that somebody has made to do harm: nothing in them is run, unpacked, or believed about its size; no name in
them is a path, a piece of SQL or a word to the terminal. What may name code is in tests/app/test_foreign_code.py."""

from __future__ import annotations

import ast
import io
import json
import pickle
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from evonas.app.config import check_name
from evonas.app.folders import results_folder
from evonas.app.predicting import predictions
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.domains import array_files
from evonas.domains.domain import load_data
from evonas.domains.export import load
from evonas.domains.images.network import Network
from evonas.domains.standalone import write_standalone
from evonas.memory import locks
from evonas.memory.archive import Archive, RunRecord
from evonas.training.checkpoints import Checkpoints
from evonas.training.data import Preprocessing
from evonas_surrogates import modelfile
from tests.commands import evonas
from tests.torture import reading_data as data
from tests.torture import reading_files as files
from tests.torture.parsers import limited_memory

NAMES = (
    "../../x",
    "/etc/x",
    "a/b",
    "..",
    ".",
    "",
    "\0",
    "a\0b",
    "x" * 300,
    "CON",
    "nul.txt",
    "a\nb",
    "~root",
    "-rf",
    "C:\\x",
)


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.fixture
def mark(tmp_path):
    """A file that nothing may have written at the end."""
    yield tmp_path / "mark"
    assert not (tmp_path / "mark").exists()


def refused(function, words="."):
    with limited_memory(), pytest.raises(EvonasError, match=words) as raised:
        function()
    assert str(raised.value).isprintable()


# --- pickles


def test_arrays_of_objects_are_not_unpickled(tmp_path, mark):
    bombs = np.array([Bomb(mark)] * 12, dtype=object)
    for key in ("x_train", "y_train", "class_names", "x_test"):
        held = {"x_train": data.X, "y_train": data.Y, "x_test": data.X, "y_test": data.Y, key: bombs}
        np.savez(tmp_path / "a.npz", **held, allow_pickle=True)
        for source in ("npz", "series"):
            refused(lambda source=source: load_data(f"{source}:{tmp_path / 'a.npz'}"), "pickled|Object arrays")
    data.challenge_images(tmp_path)
    for name in ("train_x", "train_y"):
        before = (tmp_path / f"{name}.npy").read_bytes()
        np.save(tmp_path / f"{name}.npy", bombs, allow_pickle=True)
        refused(lambda: load_data(f"npy:{tmp_path}"), "pickled objects, which are code")
        (tmp_path / f"{name}.npy").write_bytes(before)
    np.save(tmp_path / "p.npy", bombs, allow_pickle=True)
    refused(lambda: list(predictions(data._network(), [str(tmp_path / "p.npy")])), "pickled objects")


def test_a_pickle_by_another_name_is_none(tmp_path, mark):
    """As .npy, .npz, safetensors, a checkpoint, a picture, a model: numpy and torch would take some of them."""
    import torch

    files.networks(tmp_path)
    torch.save({"w": Bomb(mark)}, tmp_path / "saved.pt")
    for content in (pickle.dumps(Bomb(mark)), (tmp_path / "saved.pt").read_bytes()):
        for name in ("p.npy", "p.npz", "p.png", "model.safetensors", "p.safetensors", "key.safetensors"):
            (tmp_path / name).write_bytes(content)
        refused(lambda: load(tmp_path), "damaged|do not fit")
        refused(lambda: modelfile.load(tmp_path / "p.safetensors"), "no safetensors file")
        assert Checkpoints(tmp_path).load("key") is None
        for source in ("npz", "series"):
            refused(lambda source=source: load_data(f"{source}:{tmp_path / 'p.npz'}"))
        for name in ("p.npy", "p.png"):
            refused(lambda name=name: list(predictions(data._network(), [str(tmp_path / name)])))


# --- headers that lie


def tensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


ONE = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
LIES = {
    "a header without end": tensors({}, length=2**63),
    "a header of a hundred gigabytes": tensors({}, length=10**11),
    "a tensor of many terabytes": tensors({"a": {**ONE, "shape": [2**42], "data_offsets": [0, 2**44]}}, b"1" * 16),
    "a shape that overflows": tensors({"a": {**ONE, "shape": [2**33, 2**33]}}, b"1" * 16),
    "offsets that overlap": tensors({"a": ONE, "b": {**ONE, "data_offsets": [8, 24]}}, b"1" * 24),
    "offsets backwards": tensors({"a": {**ONE, "data_offsets": [16, 0]}}, b"1" * 16),
    "offsets below zero": tensors({"a": {**ONE, "data_offsets": [-16, 0]}}, b"1" * 16),
    "a type that is larger": tensors({"a": {**ONE, "dtype": "F64"}}, b"1" * 16),
    "a type that there is not": tensors({"a": {**ONE, "dtype": "PICKLE"}}, b"1" * 16),
    "nested without end": tensors(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "two of a name": tensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[4],'
                             b'"data_offsets":[0,16]}}', b"1" * 16),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
def test_a_header_of_safetensors_that_lies_is_refused_before_anything_is_allocated(tmp_path, what):
    files.networks(tmp_path)
    for name in ("model.safetensors", "m.safetensors", "key.safetensors"):
        (tmp_path / name).write_bytes(LIES[what])
    refused(lambda: load(tmp_path), "damaged|do not fit")
    refused(lambda: modelfile.load(tmp_path / "m.safetensors"))
    with limited_memory():
        assert Checkpoints(tmp_path).load("key") is None


def npy_of(shape: tuple[int, ...]) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return made.getvalue() + b"1" * 64


def test_an_array_that_says_it_is_larger_than_its_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        for name in ("x_train.npy", "y_train.npy"):
            file.writestr(name, npy_of((10**12, 8, 8)))
    for source in ("npz", "series"):
        refused(lambda source=source: load_data(f"{source}:{tmp_path / 'a.npz'}"), "says that it has .* more than its")
    (tmp_path / "train_x.npy").write_bytes(npy_of((10**9, 1, 8, 8)))
    (tmp_path / "train_y.npy").write_bytes(data.npy(data.Y))
    refused(lambda: load_data(f"npy:{tmp_path}"), "cannot be read as a .npy file")
    refused(lambda: list(predictions(data._network(), [str(tmp_path / "train_x.npy")])), "cannot be read")


def test_a_zip_bomb_is_refused_by_the_memory_that_is_free(tmp_path, monkeypatch):
    zeros = np.zeros((12, 1000, 1000), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x_train=zeros, y_train=data.Y)
    assert (tmp_path / "a.npz").stat().st_size < zeros.nbytes / 500
    monkeypatch.setattr(array_files, "free_memory", lambda: 1e7)
    for source in ("npz", "series"):
        refused(
            lambda source=source: load_data(f"{source}:{tmp_path / 'a.npz'}"),
            "take 0.0 GB, and 0.0 GB of memory are free",
        )


def test_rows_without_end_in_parquet_are_refused_by_the_memory_that_is_free(tmp_path, monkeypatch):
    """A million equal rows are a few bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    from evonas.domains.images import hugging_face

    table = pa.table({"image": [{"bytes": b"", "path": ""}] * 10**6, "label": pa.array(np.zeros(10**6, np.int64))})
    parquet.write_table(table, tmp_path / "train.parquet")
    assert (tmp_path / "train.parquet").stat().st_size < 10**5
    monkeypatch.setattr(hugging_face, "free_memory", lambda: 1e6)
    refused(lambda: load_data(f"hf:{tmp_path}"), "takes .* GB or more, and .* of memory are free")


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    every = [head, *chunks, (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held)) for kind, held in every
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg(width: int, height: int) -> bytes:
    made = bytearray(data.picture("JPEG"))
    at = made.index(b"\xff\xc0")
    made[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(made)


BOMBS = {
    "a PNG of 3.6 gigapixels": png(60_000, 60_000),
    "a PNG with a text that inflates": png(8, 8, (b"zTXt", b"a\0\0" + zlib.compress(b"a" * 10**8))),
    "a JPEG of 4 gigapixels": jpeg(65_000, 65_000),
    "a GIF of 4 gigapixels": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + data.picture("GIF")[10:],
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_picture_that_inflates_is_refused_wherever_it_lies(tmp_path, what):
    bomb = BOMBS[what]
    for place in ("photos/a/2", "photos/a/3", "photos/b/1", "photos/b/2", "photos/b/3"):
        path = tmp_path / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.picture())
    (tmp_path / "photos/a/1.png").write_bytes(bomb)
    (tmp_path / "l.csv").write_text(
        "path,label\n" + "".join(f"photos/{place}.png,{place[0]}\n" for place in ("a/1", "b/1"))
    )
    with tarfile.open(tmp_path / "t.tar", "w") as file:
        for name, content in (("1.png", bomb), ("1.cls", b"a"), ("2.png", data.picture()), ("2.cls", b"b")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    held = np.frombuffer(bomb + data.picture(), np.uint8)
    np.savez(tmp_path / "j.npz", jpeg_train=held, offset_train=[0, len(bomb), len(held)], y_train=[0, 1])
    for spec in ("folder:photos?size=8", "csv:l.csv?size=8", "tars:t.tar?size=8", "npz:j.npz"):
        kind, _, path = spec.partition(":")
        refused(
            lambda kind=kind, path=path: load_data(f"{kind}:{tmp_path / path}"),
            "(?i)bomb|too large|exceeds|memory|truncated|cannot be",
        )
    refused(lambda: list(predictions(data._network(), [str(tmp_path / "photos/a/1.png")])), "left out")


# --- what lies elsewhere


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_nothing_is_unpacked_and_no_link_is_followed_out_of_an_archive(tmp_path):
    """Members of a tar and of a zip that would land elsewhere, links to a file that is none of the data's."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("the secret")
    with tarfile.open(inside / "t.tar", "w") as file:
        members = [(f"{i}.png", data.picture(seed=i)) for i in range(8)]
        members += [("../../../x.png", data.picture()), ("/x.cls", b"x"), ("../x.cls", b"x")]
        for name, content in [*members, *((f"{i}.cls", b"ab"[i % 2 :][:1]) for i in range(7))]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("7.cls")
            link.type, link.linkname = kind, str(tmp_path / "secret")
            file.addfile(link)
    before = everything(tmp_path)
    refused(lambda: load_data(f"tars:{inside / 't.tar'}"), "has no member .cls")
    with zipfile.ZipFile(inside / "a.npz", "w") as file:
        file.writestr("../../x_train.npy", data.npy(data.X))
        file.writestr("/x_train.npy", data.npy(data.X))
        file.writestr("y_train.npy", data.npy(data.Y))
    refused(lambda: load_data(f"npz:{inside / 'a.npz'}"), "no array 'x_train'")
    assert everything(tmp_path) - before == {inside / "a.npz"}


def test_a_data_set_names_no_picture_outside_of_its_folder(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    (tmp_path / "secret.png").write_bytes(data.picture())
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in ("../secret.png", str(tmp_path / "secret.png")):
        rows = {"image": [{"bytes": None, "path": path}] * 6, "label": [0, 1] * 3}
        parquet.write_table(pa.table(rows), inside / "train.parquet")
        refused(lambda: load_data(f"hf:{inside}?size=8"), "outside of the data set's folder")


def test_a_name_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = Archive("a.db")
    for name in NAMES:
        refused(lambda name=name: check_name(name), "is no name for a run")
        try:
            where = results_folder(name, None)
        except EvonasError:
            pass
        else:  # an archive from before there were rules
            assert (tmp_path / where).resolve().parent == tmp_path / "runs"
        lock = locks._path(archive, name)
        assert lock.parent == tmp_path
        assert len(lock.name) < 200


def test_what_a_network_says_is_data_in_the_file_that_it_is_exported_to(tmp_path):
    """Names of classes that would end a text, and begin a statement."""
    names = ('"""\nimport os\nos.system("x")\n"""', "'); import os #", "{classes}", "\\", "../../x", "a\0b", "\u2028")
    model = files.CellEncoding(cells=1, width=2).build(files.GENOMES[0], Task("t", (1, 8, 8), len(names))).eval()
    write_standalone(Network(model, Preprocessing((0.5,), (0.25,)), names, (1, 8, 8)), tmp_path)
    tree = ast.parse((tmp_path / "model.py").read_text())
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}  # type: ignore[union-attr]
    assert ast.literal_eval(assigned["CLASSES"]) == names
    imported = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    assert not imported & {"os", "subprocess"}


# --- SQL, and the terminal

SQL = (
    "x'; DROP TABLE runs; --",
    'x"; DELETE FROM evaluations; --',
    "x') OR 1=1 --",
    "%",
    "_",
    "\\",
    "' UNION SELECT 1",
)
SPELL = "\x1b]0;owned\x07\x1b[31mred\r\b\u202e[bold][/b][link=x]"


def filled(path: Path, names) -> Archive:
    archive = Archive(path)
    for name in names:
        archive.add_run(
            RunRecord(name, Task(name, (1, 8, 8), 2, {name: 1.0}, name), name, name, command=name, device=name)
        )
        metrics = {"val_accuracy": 0.5, name: 1.0}
        archive.append(Trial(name, 0, 0, Evaluation(Candidate(name, parents=(name,)), metrics)))
        archive.append(Trial(name, 1, 1, Evaluation.failure(Candidate((name,)), f"{name}: {name}")))
    return archive


def test_a_name_is_no_sql(tmp_path):
    archive = filled(tmp_path / "a.db", SQL)
    for name in SQL:
        assert [one.name for one in archive.runs(name)] == [name]
        assert {trial.run for trial in archive.trials(name)} == {name}
        assert {trial.run for trial in archive.trials(task=name)} == {name}
        assert {trial.run for trial in archive.trials(encoding=name)} == {name}
    for left, name in zip(range(len(SQL) - 1, -1, -1), SQL, strict=True):
        assert archive.delete_run(name) == 2
        assert len(archive.runs()) == len(archive.counts()) == left


def test_a_column_of_an_old_archive_is_no_sql(tmp_path):
    """Its columns are copied by the names that the file itself has for them."""
    filled(tmp_path / "a.db", ["first"]).close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("UPDATE evonas SET schema_version = 1")
        db.execute('ALTER TABLE runs ADD COLUMN "x"") SELECT 1; --" TEXT')
    refused(lambda: Archive(tmp_path / "a.db"), "damaged|cannot use")
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT name FROM runs").fetchall() == [("first",)]


def test_a_name_says_nothing_to_the_terminal(tmp_path):
    filled(tmp_path / "a.db", [SPELL]).close()
    where = ("--archive", str(tmp_path / "a.db"))
    for words in (("runs", "list"), ("runs", "show", SPELL), ("memory", "list"), ("runs", "show", "other" + SPELL)):
        done = evonas(*words, *where, cwd=tmp_path, ok=words[-1] == SPELL or "list" in words)
        said = done.stdout + done.stderr
        assert "owned" in said, words
        assert not {"\x1b", "\x07", "\r", "\b", "\u202e"} & set(said), words
        assert "Traceback" not in said

"""What broken input has found, each once, by the smallest input that shows it."""

from __future__ import annotations

import io
import json
import logging
import sqlite3

import numpy as np
import pytest

from evonas.app.results import report_again
from evonas.core.errors import LONGEST, EvonasError
from evonas.domains.images.hugging_face import _checked
from evonas.memory.archive import Archive
from tests.torture import reading_data as data
from tests.torture import reading_files as files
from tests.torture.mutations import NESTED, in_json, in_toml
from tests.torture.parsers import READ, REFUSED, TABLE
from tests.torture.test_parsers import _alone, opened

__all__ = ["_alone"]
PARSERS = {one.name: one for one in TABLE}


def with_values(name: str, **values) -> bytes:
    """The first valid input of a parser of JSON, with other values."""
    return json.dumps({**json.loads(opened(PARSERS[name]).seeds[0]), **values}).encode()


NETWORK, BENCHMARK, SUITE = "genome.json of a network", "a benchmark run", "suite.json of benchmark runs"
PREPARED = {"mean": [0.5], "deviation": [0.25], "scale": 255.0}
ROW = {"trial": 1, "best": 0.5, "regret": 0.1, "test": 0.5, "seconds": 1.0, "overhead": 0.01}


def no_rows() -> bytes:
    made = io.BytesIO()
    data._hub()[:0].to_parquet(made, index=False)
    return made.getvalue()


SERIES = {"x_train": data.X.reshape(12, -1), "y_train": data.Y}
LETTERS = np.frombuffer(b"\xff" * 8, "<U1")
JPEGS = {"jpeg_train": data.X.ravel(), "offset_train": np.int64(3), "y_train": data.Y}
LONG_LABELS = b"path,label\n" + b"".join(b"%c.png,%s\n" % (name, b"9" * (5000 + name % 2)) for name in b"abcdef")
FOUND = {
    "a number of a thousand digits in TOML": ("a configuration", lambda: b"trials = " + b"9" * 5000),
    "a number instead of a list": ("a configuration", lambda: b"track = 255"),
    "a zero byte in a place": ("a configuration", lambda: b'archive = "a\\u0000b"'),
    "a mean of texts": (NETWORK, lambda: with_values(NETWORK, preprocessing={**PREPARED, "mean": ["x"]})),
    "a scale in a list": (NETWORK, lambda: with_values(NETWORK, preprocessing={**PREPARED, "scale": [1]})),
    "a deviation of nothing": (NETWORK, lambda: with_values(NETWORK, preprocessing={**PREPARED, "deviation": [0]})),
    "a network of no channels": (NETWORK, lambda: with_values(NETWORK, preprocessing={**PREPARED, "mean": []})),
    "a side without end": (NETWORK, lambda: with_values(NETWORK, input_shape=[1, float("inf"), 8])),
    "curves in lists": (BENCHMARK, lambda: with_values(BENCHMARK, rows=[{**ROW, "trial": [1]}])),
    "a task of a list": (BENCHMARK, lambda: with_values(BENCHMARK, task=["t"])),
    "tasks that are a text": (SUITE, lambda: b'{"name": "s", "tasks": ":"}'),
    "two tasks of a name": (SUITE, lambda: b'{"name": "s", "tasks": [{"name": "t"}, {"name": "t"}]}'),
    "half a command": ("commands of benchmark runs", lambda: b'{"command": "x"'),
    "a command that is no UTF-8": ("commands of benchmark runs", lambda: b'{"command": "\xff"}'),
    "letters that there are not": ("npz: series", lambda: data.npz(**SERIES, class_names=LETTERS)),
    "offsets that are a number": ("npz: images", lambda: data.npz(**JPEGS)),
    "a header that is half a statement": ("arrays to predict", lambda: b"\x93NUMPY\x01\x00\x10\x00{'descr': [('a',\n"),
    "a label of five thousand digits": ("csv: of images", lambda: LONG_LABELS),
    "a new line in an objective": ("objectives and limits", lambda: b"x\ny"),
    "an escape sequence in an option": ("options of a source", lambda: b"a?\x1b[31m=b"),
    "a path that is too long": ("options of a source", lambda: b"a" * 5000 + b"?size=48"),
    "a file's name that is too long": ("a spec", lambda: b"a" * 5000 + b".py:X"),
    "a duration of fifty thousand digits": ("a duration", lambda: b"9" * 50_000),
    "a data set without a row": ("hf: Parquet", no_rows),
    "a scale beyond 64 bits": (NETWORK, lambda: with_values(NETWORK, preprocessing={**PREPARED, "scale": 2**64})),
    "a zero byte in a home": ("an archive's place", lambda: b"~\0/a.db"),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_it_is_refused(what):
    parser, given = FOUND[what]
    expected = READ if what in ("a path that is too long", "a scale beyond 64 bits") or "label" in what else REFUSED
    assert opened(PARSERS[parser]).tried(given()) == expected


@pytest.mark.parametrize(
    "parser", [one for one in TABLE if in_json in one.kinds or in_toml in one.kinds], ids=lambda one: one.name
)
def test_values_that_are_nested_without_end(parser):
    for given in (NESTED, f'{{"name": {NESTED}}}', f"name = {NESTED}"):
        opened(parser).tried(given.encode())


COLUMNS = {
    "evonas.schema_version": ("x", None, 0, -1, 1.5),
    "runs.config": ("{", "[]", "3", None),
    "runs.result": ("{", "[]"),
    "runs.seed": ("x", 1.5),
    "tasks.input_shape": ('["x"]', "{}", "[true]"),
    "tasks.features": ("[]", '{"a": "x"}'),
    "evaluations.metrics": ("[]", '{"val_accuracy": "high"}', '{"val_accuracy": [1]}', "{"),
    "evaluations.genome": ('{"a": 1}', '[{"a": 1}]', "{", NESTED),
    "evaluations.fidelity": (0, 2, "x"),
    "evaluations.status": ("odd", 3),
    "evaluations.parents": ("{}", "3"),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_an_archive_that_holds_something_else_is_named(tmp_path, column):
    table, _, name = column.partition(".")
    for number, value in enumerate(COLUMNS[column]):
        path = tmp_path / f"{number}.db"
        files.filled(path).close()
        changes = sqlite3.connect(path)
        try:
            changes.execute(f"UPDATE {table} SET {name} = ?", [value])
            changes.commit()
        except sqlite3.IntegrityError:  # the file itself refuses it
            continue
        finally:
            changes.close()
        with pytest.raises(EvonasError, match="is damaged: .*; bring back a copy"):
            files.look(Archive(path))


def test_a_report_goes_without_what_its_record_does_not_say(tmp_path, caplog):
    archive = files.filled(tmp_path / "a.db")
    for part in ("quality", "prospects", "examples", "cost", "limits"):
        archive.update_run("done", result={**files.RESULT, "run": "done", part: {"accuracy": "x", "classes": 3}})
        with caplog.at_level(logging.WARNING):
            page = report_again(archive, "done", str(tmp_path / "out")).read_text()
        assert "All trials" in page
    assert "how good it is is left out: its record is of another form" in caplog.text


def test_a_folder_that_is_a_list_is_named(tmp_path):
    archive = files.filled(tmp_path / "a.db")
    archive.update_run("done", config={**archive.run("done").config, "out": ["x"]})
    with pytest.raises(EvonasError, match=r"^run 'done' is recorded with results in \['x'\], which is no folder$"):
        report_again(archive, "done")


def test_a_table_that_points_out_of_its_file_is_refused():
    """Arrow reads what its offsets say, and the process ended by a bus error."""
    import pyarrow as pa

    offsets, values = pa.py_buffer(np.array([0, 10**6, 3], np.int32).tobytes()), pa.py_buffer(b"abc")
    column = pa.Array.from_buffers(pa.binary(), 2, [None, offsets, values])
    with pytest.raises(pa.ArrowInvalid):
        _checked([pa.table({"image": column})])


def test_half_a_character_is_written_as_json_has_it():
    assert opened(PARSERS["result.json of a folder"]).tried(b'{"run": "\\ud800"}') == READ


def test_a_message_is_a_line_that_means_nothing_to_a_terminal():
    assert str(EvonasError("a\nb\x1b[31m\u202e é")) == "a\\nb\\x1b[31m\\u202e é"
    assert len(str(EvonasError("x" * 10**6))) < LONGEST + 10


def test_an_archive_without_its_version_is_damaged(tmp_path):
    files.filled(tmp_path / "a.db").close()
    changes = sqlite3.connect(tmp_path / "a.db")
    changes.execute("DELETE FROM evonas")
    changes.commit()
    changes.close()
    with pytest.raises(EvonasError, match="is damaged"):
        Archive(tmp_path / "a.db")

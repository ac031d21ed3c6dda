"""`evonas memory`: what goes out comes in again, once."""

import json
import sqlite3
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.memory import archive_io as exchange
from evonas.memory.archive import Archive, RunRecord
from evonas_surrogates import source_data

ENCODING = CellEncoding()
DIGITS, USPS = Task("digits", (1, 8, 8), 10, {"x": float("nan")}, "a1 b2"), Task("usps", (1, 16, 16), 10, {}, "d4 e5")
ELSEWHERE = Task("elsewhere", (3, 32, 32), 10, {}, "77 88")


def fill(archive, task, name, n=12, seed=0, start=0, command=""):
    """Trials of a run as a search leaves them: the third failed, the fourth has a metric that is no number."""
    if start == 0:
        archive.add_run(RunRecord(name, task, "cell", "aging", seed=seed, config={"trials": n}, command=command))
    for i in range(start, start + n):
        rng = np.random.default_rng([seed, i])
        candidate = Candidate(ENCODING.canonical(ENCODING.sample(rng)), 0.5 if i == 5 else 1.0, ("parent",))
        metrics = {"val_accuracy": float(rng.random()), "val_loss": float("nan") if i == 3 else 0.5}
        evaluation = Evaluation.failure(candidate, "no room") if i == 2 else Evaluation(candidate, metrics, 1.5)
        archive.append(Trial(name, i, i, evaluation, float(i)))


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "a.db")
    fill(made, DIGITS, "digits-cell-1")
    fill(made, USPS, "usps-cell-1", seed=1)
    made.update_run("usps-cell-1", status="done", result={"test_accuracy": 0.9})
    return made


def evonas(*words, archive=None, ok=True):
    done = CliRunner().invoke(app, ["memory", *words, *(["--archive", str(archive.where)] if archive else [])])
    if done.exception and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, EvonasError), done.exception
    assert (done.exception is None) == ok, done.output
    return done


def says(*words, archive=None):
    error = str(evonas(*words, archive=archive, ok=False).exception)
    assert "\n" not in error
    return error


def contents(archive):
    return {
        record.name: (replace(record, mark=0), repr(archive.trials(record.name)), archive.as_of(record.mark).trials())
        for record in archive.runs()
    }


def without_marks(archive):
    return {name: repr(trials) for name, (_, trials, _) in contents(archive).items()}


def test_an_export_imported_into_an_empty_archive_is_the_same_memory(archive, tmp_path):
    assert "24 trainings" in evonas("export", str(tmp_path / "m.parquet"), archive=archive).stdout
    empty = Archive(tmp_path / "new" / "b.db")
    said = evonas("import", str(tmp_path / "m.parquet"), archive=empty).stdout
    assert said == "24 new trainings in 2 new runs\n"
    assert repr(contents(empty)) == repr(contents(archive))
    one, other = (source_data.read(store, "cell", ELSEWHERE, VAL_ACCURACY) for store in (archive, empty))
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.y, other.y)
    assert one.groups.tolist() == other.groups.tolist()
    assert len(one.y) > 20
    again = evonas("import", str(tmp_path / "m.parquet"), archive=empty).stdout
    assert again == "0 new trainings; 24 were there already\n"
    assert repr(contents(empty)) == repr(contents(archive))


def test_what_a_run_could_remember_travels_with_it(archive, tmp_path):
    assert [len(archive.as_of(record.mark).trials()) for record in archive.runs()] == [0, 12]
    third = Archive(tmp_path / "c.db")
    fill(third, ELSEWHERE, "own", seed=9)
    exchange.absorb(third, exchange.rows(archive))
    assert [len(third.as_of(record.mark).trials()) for record in third.runs()] == [0, 0, 24]


def test_merging_two_archives_doubles_nothing(archive, tmp_path):
    other = Archive(tmp_path / "other.db")
    fill(other, DIGITS, "digits-cell-1", seed=7, command="another machine's")  # a namesake, but another run
    exchange.absorb(other, exchange.rows(archive))
    before = without_marks(other)
    assert len(before) == 3
    assert evonas("merge", str(tmp_path / "a.db"), archive=other).stdout.endswith("24 were there already\n")
    assert without_marks(other) == before
    said = evonas("merge", str(tmp_path / "other.db"), archive=archive).stdout
    assert said == "12 new trainings in 1 new run; 24 were there already\n"
    both = [sorted(repr(t.evaluation) for t in store.trials()) for store in (archive, other)]
    assert both[0] == both[1]
    for store, place in ((archive, "other.db"), (other, "a.db")):  # to and fro: nothing more
        assert "0 new" in evonas("merge", str(tmp_path / place), archive=store).stdout


def test_a_run_that_has_grown_is_completed(archive, tmp_path):
    copy = Archive(tmp_path / "copy.db")
    exchange.absorb(copy, exchange.rows(archive))
    fill(archive, DIGITS, "digits-cell-1", n=4, start=12)
    archive.update_run("digits-cell-1", status="done", result={"test_accuracy": 0.8})
    assert "4 new trainings; 24 were" in evonas("merge", str(tmp_path / "a.db"), archive=copy).stdout
    assert repr(copy.trials("digits-cell-1")) == repr(archive.trials("digits-cell-1"))
    assert copy.run("digits-cell-1").status == "done"
    assert copy.run("digits-cell-1").result == {"test_accuracy": 0.8}


def test_listing(archive, tmp_path):
    fill(archive, DIGITS, "more", n=3, seed=5)
    shown = json.loads(evonas("list", "--json", archive=archive).stdout)
    digits, usps = shown["remembered"]
    assert (digits["task"], digits["encoding"], digits["trainings"], digits["runs"]) == ("digits", "cell", 15, 2)
    assert (usps["trainings"], usps["succeeded"], usps["runs"]) == (12, 11, 1)
    found = [t.evaluation.metrics.get("val_accuracy", 0) for t in archive.trials(task="usps")]
    assert usps["best"] == pytest.approx(max(found))
    assert next(list(model["tasks"]) for model in shown["shipped"])[0] == "CIFAR-10 (NAS-Bench-201)"
    table = evonas("list", archive=archive).stdout
    assert "digits" in table
    assert "shipped with evonas for the encoding 'cell'" in table
    assert "nothing is remembered yet" in evonas("list", archive=Archive(tmp_path / "empty.db")).stdout


def test_forgetting_asks_and_says_how_many(archive):
    done = CliRunner().invoke(app, ["memory", "forget", "digits", "--archive", archive.where], input="n\n")
    assert done.exit_code == 1
    assert "Forget 12 trainings of 1 run on 'digits' for good?" in done.stdout
    assert len(archive.trials()) == 24
    assert says("forget", "digits", "--encoding", "macro", "--yes", archive=archive).endswith("there are 'cell'")
    assert (
        evonas("forget", "digits", "--yes", archive=archive).stdout == "12 trainings of 1 run on 'digits' forgotten\n"
    )
    assert [record.name for record in archive.runs()] == ["usps-cell-1"]
    assert {row["task"].name for row in archive.summary()} == {"usps"}
    assert "there are 'usps'" in says("forget", "digits", "--yes", archive=archive)


def rewritten(archive, path, change):
    """An export with something changed by hand."""
    exchange.write_parquet(archive, path)
    table = change(parquet.read_table(path))
    parquet.write_table(table, path)


def with_value(name, value, row=20):
    def change(table):
        column = table[name].to_pylist()
        column[row] = value
        return table.set_column(table.schema.get_field_index(name), name, pa.array(column))

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop_columns(["genome"]), "no column 'genome'"),
        (lambda table: table.replace_schema_metadata({"evonas": "99"}), "format 99"),
        (with_value("metrics", "{"), "row 21 "),
        (with_value("metrics", '{"val_accuracy": "high"}'), "a metric is 'high'"),
        (with_value("fidelity", 1.5), "fidelity is 1.5"),
        (with_value("status", "great"), "status is 'great'"),
        (with_value("run", None), "run is None, not str"),
        (with_value("task_input_shape", "3"), "task_input_shape is 3, not list"),
        (lambda table: with_value("number", "seven")(with_value("number", 0, 0)(table)), "row "),
    ],
)
def test_a_parquet_file_that_will_not_do_leaves_nothing_behind(archive, tmp_path, change, words):
    path = tmp_path / "odd.parquet"
    try:
        rewritten(archive, path, change)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # this one cannot be made by mixing types: all of them strings, then
        exchange.write_parquet(archive, path)
        table = parquet.read_table(path)
        texts = pa.array(["seven"] * len(table))
        parquet.write_table(table.set_column(table.schema.get_field_index("number"), "number", texts), path)
    empty = Archive(tmp_path / "b.db")
    assert words in says("import", str(path), archive=empty)
    assert empty.runs() == []
    assert empty.summary() == []
    assert not (tmp_path / "b.db").exists()


def test_files_that_are_none(archive, tmp_path):
    (tmp_path / "text.parquet").write_text("nothing of the kind")
    (tmp_path / "void.db").touch()
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE t (a)")
    foreign.commit()
    newer = Archive(tmp_path / "newer.db")
    with newer.writing() as connection:
        connection.exec_driver_sql("UPDATE evonas SET schema_version = 99")
    assert "no file" in says("import", str(tmp_path / "nowhere.parquet"), archive=archive)
    assert "no Parquet file" in says("import", str(tmp_path / "text.parquet"), archive=archive)
    assert "no Parquet file" in says("import", str(tmp_path / "a.db"), archive=archive)
    assert "is a folder" in says("export", str(tmp_path), archive=archive)
    assert "no archive" in says("merge", str(tmp_path / "nowhere.db"), archive=archive)
    assert not (tmp_path / "nowhere.db").exists()
    assert "empty file" in says("merge", str(tmp_path / "void.db"), archive=archive)
    assert "no evonas archive" in says("merge", str(tmp_path / "foreign.db"), archive=archive)
    assert "schema version 99" in says("merge", str(tmp_path / "newer.db"), archive=archive)
    assert "cannot use" in says("merge", str(tmp_path / "text.parquet"), archive=archive)
    assert "the archive itself" in says("merge", str(tmp_path / "." / "a.db"), archive=archive)
    assert "cannot write" in says("export", str(tmp_path / "a.db" / "m.parquet"), archive=archive)
    assert len(archive.trials()) == 24

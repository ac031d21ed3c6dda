"""`evonas runs delete`, `move` and `gc`: what is a run's own goes or moves with it, and nothing else is touched."""

import json
import os

import pytest

from evonas.app import checkpoints
from evonas.app.belongings import Belongings, size
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from tests.commands import evonas

TASK = Task("digits", (1, 8, 8), 10)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive.db")


def run(archive, folder, name="first", status="done"):
    """A run with one trial, results and a note of somebody's."""
    record = archive.add_run(RunRecord(name, TASK, "cell", "random", config={"out": str(folder)}))
    archive.append(Trial(name, 0, 0, Evaluation(Candidate("x"), {"val_accuracy": 0.5})))
    archive.update_run(name, status=status)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"run": name}))
    (folder / "model.safetensors").write_bytes(b"w" * 5000)
    return record


def trainings(folder, record):
    """What a killed search leaves."""
    made = checkpoints.new_folder(folder)
    checkpoints.claim(made, record)
    (made / "one.safetensors").write_bytes(b"w" * 2000)
    return made


def out_of(archive, name="first"):
    return archive.run(name).config["out"]


def test_deleting_with_folders_removes_what_is_the_runs_own(archive, tmp_path):
    record = run(archive, tmp_path / "r")
    trainings(tmp_path / "r", record)
    (tmp_path / "r" / "README.md").write_text("a card of my own")
    said = evonas("runs", "delete", "first", "--yes", "--folders", cwd=tmp_path).stdout
    assert said == f"first: 1 trial forgotten; {tmp_path / 'r'} stays for README.md, not of this run\n"
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["README.md"]
    assert archive.runs() == []


def test_nothing_is_deleted_where_one_of_them_is_running(archive, tmp_path):
    for name in ("first", "second"):
        run(archive, tmp_path / name, name)
    with sole_owner(archive, "second"):
        done = evonas("runs", "delete", "first", "second", "--yes", cwd=tmp_path, ok=False)
    assert "run 'second' is running, so nothing was deleted" in done.stderr
    assert [record.name for record in archive.runs()] == ["first", "second"]


def test_deleting_keeps_the_folder_unless_told(archive, tmp_path):
    run(archive, tmp_path / "r")
    said = evonas("runs", "delete", "first", "--yes", cwd=tmp_path).stdout
    assert f"its results stay in {tmp_path / 'r'}" in said
    assert (tmp_path / "r" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("answers", "forgotten", "removed"), [("y\ny\n", True, True), ("y\nn\n", True, False), ("n\n", False, False)]
)
def test_it_asks_for_both_with_the_size(archive, tmp_path, monkeypatch, answers, forgotten, removed):
    import io

    run(archive, tmp_path / "r")
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    done = evonas("runs", "delete", "first", cwd=tmp_path, ok=False)
    assert done.stdout.startswith(f"first: 1 trial; {tmp_path / 'r'}: 5 kB in 2 files\n")
    assert (archive.runs() == []) == forgotten
    assert (not (tmp_path / "r").exists()) == removed
    assert done.returncode == (0 if forgotten else 1)


def test_a_folder_that_another_run_has_written_to_is_left_alone(archive, tmp_path):
    run(archive, tmp_path / "r")
    (tmp_path / "r" / "result.json").write_text('{"run": "other"}')
    evonas("runs", "delete", "first", "--yes", "--folders", cwd=tmp_path)
    assert (tmp_path / "r" / "model.safetensors").exists()


def test_moved_with_its_trainings_and_found_there(archive, tmp_path):
    record = run(archive, tmp_path / "r", status="interrupted")
    trainings(tmp_path / "r", record)
    evonas("runs", "move", "first", "new/place", cwd=tmp_path)
    target = tmp_path / "new" / "place"
    assert out_of(archive) == str(target)
    assert not (tmp_path / "r").exists()
    assert checkpoints.find(target, record) is not None
    assert (target / "model.safetensors").read_bytes() == b"w" * 5000


def test_what_was_moved_by_hand_is_learned(archive, tmp_path):
    run(archive, tmp_path / "r")
    os.rename(tmp_path / "r", tmp_path / "s")
    assert "its 2 files are in" in evonas("runs", "move", "first", "s", cwd=tmp_path).stdout
    assert out_of(archive) == str(tmp_path / "s")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("r", "are in"),
        ("r/../r", "are in"),
        ("taken", "holds the results of 'other'"),
        ("file", "is a file"),
        ("copy", "both"),
        ("foreign", "holds a model.safetensors that is of no run"),
    ],
)
def test_a_place_that_is_none(archive, tmp_path, target, says):
    run(archive, tmp_path / "r")
    (tmp_path / "file").write_text("")
    for folder, file, content in (
        ("taken", "result.json", '{"run": "other"}'),
        ("foreign", "model.safetensors", "mine"),
        ("copy", "result.json", '{"run": "first"}'),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(content)
    done = evonas("runs", "move", "first", target, cwd=tmp_path, ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr
    assert "--out" not in done.stderr
    assert out_of(archive) == str(tmp_path / "r")
    assert (tmp_path / "r" / "model.safetensors").exists()


def test_a_copy_that_fails_leaves_nothing(archive, tmp_path):
    record = run(archive, tmp_path / "r")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "mine.txt").write_text("")
    with pytest.raises(EvonasError, match="nothing was moved"):
        Belongings(tmp_path / "r", (*Belongings.of(record).files, tmp_path / "r" / "gone")).copy(tmp_path / "s")
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["mine.txt"]


def test_a_running_run_is_not_moved(archive, tmp_path):
    run(archive, tmp_path / "r")
    with sole_owner(archive, "first"):
        done = evonas("runs", "move", "first", "s", cwd=tmp_path, ok=False)
    assert "running already" in done.stderr
    assert out_of(archive) == str(tmp_path / "r")


def test_gc_removes_what_nothing_needs(archive, tmp_path):
    done = run(archive, tmp_path / "r")
    left = trainings(tmp_path / "r", done)
    waits = trainings(tmp_path / "w", run(archive, tmp_path / "w", "waits", status="interrupted"))
    (tmp_path / "r" / ".result-7.json").write_text("{")
    (tmp_path / "r" / ".writing-1" / "sub").mkdir(parents=True)
    (tmp_path / "r" / ".writing-2").mkdir()
    (tmp_path / "r" / ".writing-2" / "model.pt2").write_text("half")
    (tmp_path / "archive.db@gone.lock").write_text("")
    (tmp_path / "archive.db.v1.bak").write_text("old")
    said = evonas("runs", "gc", "--yes", cwd=tmp_path).stdout
    assert "trainings of first, done" in said
    assert "trainings that waits would go on from" in said
    assert not left.exists()
    assert not [*tmp_path.rglob(".result-*"), *tmp_path.rglob(".writing-*")]
    assert not list(tmp_path.glob("*.lock"))
    assert waits.exists()
    assert (tmp_path / "archive.db.v1.bak").exists()
    assert (tmp_path / "r" / "model.safetensors").exists()
    assert "nothing to remove" in evonas("runs", "gc", cwd=tmp_path).stdout
    evonas("runs", "gc", "--yes", "--interrupted", "--copies", cwd=tmp_path)
    assert not waits.exists()
    assert not (tmp_path / "archive.db.v1.bak").exists()


def test_gc_leaves_alone_what_a_process_works_on(archive, tmp_path):
    left = trainings(tmp_path / "r", run(archive, tmp_path / "r", status="running"))
    with sole_owner(archive, "first"):
        assert "nothing to remove" in evonas("runs", "gc", "--yes", "--interrupted", cwd=tmp_path).stdout
        assert left.exists()
        assert list(tmp_path.glob("*.lock"))


def test_gc_gives_the_room_of_deleted_runs_back(archive, tmp_path):
    run(archive, tmp_path / "r")
    for number in range(1, 400):
        archive.append(Trial("first", number, number, Evaluation(Candidate("x" * 500), {"val_accuracy": 0.5})))
    archive.delete_run("first")
    assert archive.unused() > 100_000
    assert "room of deleted runs" in evonas("runs", "gc", "--yes", cwd=tmp_path).stdout
    assert archive.unused() == 0


@pytest.mark.parametrize(("number", "text"), [(0, "0 kB"), (5018, "5 kB"), (3_200_000, "3.2 MB"), (1.24e9, "1.24 GB")])
def test_sizes(number, text):
    assert size(int(number)) == text

"""Files written by somebody else: none of the ways in runs code that they name, and each says what it would run."""

import json
import pickle
import sqlite3
import zipfile

import numpy as np
import pytest
from safetensors.torch import save_model
from typer.testing import CliRunner

import evonas
from evonas.app.cli import app
from evonas.app.config import SearchConfig
from evonas.app.job import prepare, prepare_resume, resume
from evonas.core import plugins, trust
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.memory import archive_io
from evonas.memory.archive import Archive, RunRecord

SMALL = {"data": "digits", "train_size": 60, "epochs": 1, "trials": 2, "surrogate": "none"}
GENOME = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.fixture(autouse=True)
def mark(monkeypatch, tmp_path):
    """Nobody trusts anything, and at the end nothing has run."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(trust, "_admitted", set())
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "mark"
    trust.trust_everything(False)
    assert not (tmp_path / "mark").exists()


@pytest.fixture
def specs(tmp_path, monkeypatch, mark):
    """A file, a module and a command of the system's; each leaves the mark where it is run."""
    for name in ("evil.py", "evil_module.py"):
        (tmp_path / name).write_text(f"open({str(mark)!r}, 'w')\ndef X(*args, **kwargs): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    return [
        "evil.py:X",
        f"{tmp_path / 'evil.py'}:X(width=3)",
        "evil_module:X",
        f"subprocess:check_output(args=['touch', '{mark}'])",
        f"os:system(command='touch {mark}')",
    ]


def refused(function, words="names code that is no installed plug-in"):
    with pytest.raises(EvonasError, match=words) as raised:
        function()
    assert "\n" not in str(raised.value)


def command(*words):
    """What the command line says to one who has no terminal."""
    done = CliRunner().invoke(app, list(map(str, words)))
    assert isinstance(done.exception, EvonasError), done.output
    return str(done.exception)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """What `evonas.load` reads, written by hand."""
    folder = tmp_path_factory.mktemp("finished")
    description = {
        "format": 1,
        "evonas": "0.1.0",
        "encoding": "cell",
        "genome": GENOME,
        "task": "t",
        "input_shape": [1, 8, 8],
        "class_names": ["a", "b"],
        "preprocessing": {"mean": [0.5], "deviation": [0.5]},
    }
    (folder / "genome.json").write_text(json.dumps(description))
    save_model(CellEncoding().build(GENOME, Task("t", (1, 8, 8), 2)), str(folder / "model.safetensors"))
    assert evonas.load(folder).input_shape == (1, 8, 8)
    return folder


def test_genome_json(finished, specs, tmp_path):
    description = json.loads((finished / "genome.json").read_text())
    (tmp_path / "model.pt2").write_bytes(b"")  # nothing to fall back on
    (tmp_path / "model.safetensors").write_bytes((finished / "model.safetensors").read_bytes())
    for spec in specs:
        (tmp_path / "genome.json").write_text(json.dumps({**description, "encoding": spec}))
        refused(lambda: evonas.load(tmp_path), "genome.json names code .*('X'|'check_output'|'system') of the .*trust")
        (tmp_path / "genome.json").write_text(json.dumps({**description, "domain": spec}))
        refused(lambda: evonas.load(tmp_path))


def test_an_exported_program(finished, tmp_path, mark):
    """The encoding is gone; the program beside it holds a pickle."""
    description = json.loads((finished / "genome.json").read_text())
    (tmp_path / "genome.json").write_text(json.dumps({**description, "encoding": "gone.py:X"}))
    (tmp_path / "model.safetensors").write_bytes((finished / "model.safetensors").read_bytes())
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as file:
        for name in ("serialized_state_dict.pt", "serialized_constants.pt", "serialized_example_inputs.pt"):
            file.writestr(name, pickle.dumps(Bomb(mark)))
        file.writestr("serialized_exported_program.json", "{}")
        file.writestr("version", "1.1")
    refused(lambda: evonas.load(tmp_path), "no file 'gone.py'.*can run code.*trust=True")


def run_of(tmp_path, name="a", config=None, encoding="cell"):
    """An archive with one run, its configuration and encoding written by hand."""
    archive = Archive(tmp_path / "a.db")
    task = Task("t", (1, 8, 8), 2, {}, "a1")
    archive.add_run(RunRecord(name, task, "cell", "random", config=SearchConfig.make(SMALL).model_dump()))
    archive.append(Trial(name, 0, 0, Evaluation(Candidate(GENOME), {"val_accuracy": 0.5})))
    archive.close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        if config:
            values = {**json.loads(db.execute("select config from runs").fetchone()[0]), **config}
            db.execute("update runs set config = ?", [json.dumps(values)])
        db.execute("update runs set encoding = ?", [encoding])
    return str(tmp_path / "a.db")


@pytest.mark.parametrize("key", ["data", "encoding", "method", "surrogate", "executor"])
def test_a_run_of_an_archive(specs, tmp_path, key):
    archive = ""
    for i, spec in enumerate(specs):
        (tmp_path / str(i)).mkdir()
        archive = run_of(tmp_path / str(i), config={key: spec})
        refused(lambda at=archive: prepare_resume("a", archive=at), "the run 'a' of the archive names code")
    for words in (("resume", "a"), ("export", "a", "--out", "o")):
        assert "names code that is no installed plug-in" in command(*words, "--archive", archive)
    if key == "method":
        archive = run_of(tmp_path, config={key: f"halving(searcher={specs[0]!r})"})
        refused(lambda: prepare_resume("a", archive=archive))


def test_a_report_does_without_an_encoding_that_is_not_trusted(specs, tmp_path):
    for i, spec in enumerate(specs):
        (tmp_path / str(i)).mkdir()
        archive = run_of(tmp_path / str(i), config={"encoding": spec}, encoding=spec)
        done = CliRunner().invoke(app, ["report", "a", "--archive", archive, "--out", str(tmp_path / str(i))])
        assert done.exit_code == 0, done.output
        assert (tmp_path / str(i) / "report.html").exists()


@pytest.mark.parametrize("through", ["archive", "parquet"])
def test_a_memory(specs, tmp_path, through):
    """Rows of the encoding `cell` in a run that says it is of another one."""
    from evonas_surrogates import source_data

    for i, spec in enumerate(specs):
        folder = tmp_path / str(i)
        folder.mkdir()
        store = Archive(run_of(folder, encoding=spec))
        if through == "parquet":
            archive_io.write_parquet(store, folder / "m.parquet")
            store.close()
            store = Archive(folder / "b.db")
            archive_io.absorb(store, archive_io.read_parquet(folder / "m.parquet"))
        for name in ("cell", plugins.plain_name(spec)):
            assert len(source_data.read(store, name).y) == 0
        store.close()


def test_a_model_file(tmp_path, mark):
    from safetensors.numpy import save_file

    from evonas_surrogates import modelfile, plainfile

    (tmp_path / "pickled").write_bytes(pickle.dumps(Bomb(mark)))
    with zipfile.ZipFile(tmp_path / "zipped", "w") as file:
        file.writestr("schema.json", json.dumps({"__class__": "system", "__module__": "os", "content": "os.system"}))
    (tmp_path / "long").write_bytes((2**62).to_bytes(8, "little") + b"{}")  # a header that says it is longer
    past = b'{"a":{"dtype":"F64","shape":[9],"data_offsets":[0,72]}}'.ljust(64)  # of data that are not there
    (tmp_path / "past").write_bytes(len(past).to_bytes(8, "little") + past)
    for name in ("pickled", "zipped", "long", "past"):
        refused(lambda at=tmp_path / name: modelfile.load(at), "no safetensors file")
    for name in ('["__class__", "__init__"]', '["format"]', "3"):
        kept = {"evonas": modelfile.KIND, plainfile.CONTENT: json.dumps({"format": modelfile.FORMAT})}
        save_file({name: np.zeros(2)}, tmp_path / "odd", kept)
        refused(lambda at=tmp_path / "odd": modelfile.load(at), "damaged|format")
    for content in ("[]", "{", '{"format": "x"}'):
        save_file({}, tmp_path / "odd", {"evonas": modelfile.KIND, plainfile.CONTENT: content})
        refused(lambda at=tmp_path / "odd": modelfile.load(at), "damaged|format")


@pytest.mark.parametrize("key", ["data", "encoding", "method", "surrogate", "executor"])
def test_a_configuration(specs, tmp_path, key):
    for spec in specs:
        (tmp_path / "c.toml").write_text(f"{key} = {json.dumps(spec)}\n")
        assert "the configuration 'c.toml' names code" in command("search", "c.toml")


@pytest.mark.parametrize("key", ["encoding", "wrappers", "methods", "data"])
def test_a_suite(specs, tmp_path, key):
    from evonas_benchmarks.suites import load_suite
    from evonas_surrogates import training_data

    for spec in specs:
        values = {"encoding": "cell", "wrappers": [], "methods": ["random"], "data": "digits"}
        values[key] = [f"random+{spec}" if key == "methods" else spec] if key in ("wrappers", "methods") else spec
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if name != "data"]
        lines += ["[[tasks]]", 'name = "t"', f"data = {json.dumps(values['data'])}"]
        (tmp_path / "s.toml").write_text("\n".join(['name = "s"', *lines]))
        refused(lambda: load_suite(tmp_path / "s.toml"), "s.toml' names code")
        refused(lambda: training_data.read(str(tmp_path / "s.toml")), "s.toml' names code")
        assert "s.toml' names code" in command("bench", "run", "s.toml", "--out", "o")


def test_arrays_with_pickles(tmp_path, mark):
    from evonas.domains.images import load_images

    objects = np.array([Bomb(mark)], dtype=object)
    np.savez(tmp_path / "a.npz", x_train=objects, y_train=objects, allow_pickle=True)
    refused(lambda: load_images(f"npz:{tmp_path / 'a.npz'}"), "without pickled objects|x_train")


MINE = """
from evonas.encodings.cell import CellEncoding
class Mine(CellEncoding):
    pass
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    yield "mine.py:Mine"
    for module in plugins.loaded_modules():
        plugins.sys.modules.pop(module.__name__)


@pytest.mark.thorough
def test_ones_own_run_goes_on_without_a_question_until_its_file_is_changed(tmp_path, own, monkeypatch):
    options = {"encoding": own, "name": "mine", "archive": str(tmp_path / "a.db"), "out": str(tmp_path / "out")}
    words = [word for key, value in {**SMALL, **options}.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    done = CliRunner().invoke(app, ["search", *words])
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(trust, "_admitted", set())  # another day
    assert resume("mine", archive=options["archive"], trials=3)["trials"] == 3
    assert evonas.load(tmp_path / "out").input_shape == (1, 8, 8)
    (tmp_path / "mine.py").write_text(MINE + "# other\n")
    refused(lambda: evonas.load(tmp_path / "out"), "genome.json names code .*which has changed since")
    refused(lambda: prepare_resume("mine", archive=options["archive"]), "has changed since it was trusted")
    assert "--trust" in command("export", "mine", "--again", "--out", "o", "--archive", options["archive"])
    done = CliRunner().invoke(app, ["report", "mine", "--archive", options["archive"], "--trust"])
    assert done.exit_code == 0, done.output
    trust.trust_everything(False)
    assert evonas.load(tmp_path / "out").input_shape == (1, 8, 8)  # what was allowed once stays allowed


def test_trust_in_python(finished, tmp_path, own, caplog):
    description = json.loads((finished / "genome.json").read_text())
    (tmp_path / "genome.json").write_text(json.dumps({**description, "encoding": own}))
    (tmp_path / "model.safetensors").write_bytes((finished / "model.safetensors").read_bytes())
    assert evonas.load(tmp_path, trust=True).input_shape == (1, 8, 8)
    assert f"which is trusted and run: 'Mine' of the file {str(tmp_path / 'mine.py')!r}" in caplog.text
    archive = run_of(tmp_path, config={"encoding": own})
    refused(lambda: resume("a", archive=archive, trust=True), "have changed since")  # admitted: its data are the matter


def test_an_encoding_given_in_python_is_trusted(own, tmp_path):
    config = SearchConfig.make({**SMALL, "encoding": own, "archive": str(tmp_path / "a.db")})
    refused(lambda: prepare(config))  # a configuration may come from a file
    trust.given(own)
    assert prepare(config).encoding.__class__.__name__ == "Mine"

"""A user's parts that break in the middle of a search, or are larger, wider and duller than anybody thought."""

import html
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import evonas
from evonas.app.job import resume
from evonas.core.errors import EvonasError
from evonas.domains.evaluator import OwnEvaluator
from evonas.memory.archive import Archive
from evonas.search.loop import HOPELESS
from tests.commands import evonas as command
from tests.torture import faulty, late, toy
from tests.torture.counted import counted
from tests.torture.late import FAULTS, Late

TRIALS = 30
SEARCH = {"trials": TRIALS, "method": "evolution(population=6)+boosting", "callbacks": ()}


def search(folder, encoding, score=late.score, **options):
    places = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "name": "run"}
    found = evonas.search(evaluator=score, encoding=encoding, **{**SEARCH, **places, **options})
    return found, Archive(folder / "a.db").trials("run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The trials of each seed's search with an encoding that does not break."""
    known = {}

    def of(seed):
        if seed not in known:
            known[seed] = toy.what(search(tmp_path_factory.mktemp("whole"), Late(), seed=seed)[1])
        return known[seed]

    return of


@pytest.mark.parametrize(
    ("method", "fault"), [(method, fault) for method, faults in FAULTS.items() for fault in faults]
)
@counted("A method of an encoding that breaks in the middle of a search", quick=0, share=3, full=20)
def test_a_method_that_breaks_late(method, fault, times, tally, tmp_path, whole):
    """There is no genome then, hence no trial: one line that names the method, all trials kept, and once it is mended
    the search goes on to what it would have been."""
    for seed in times:
        folder = tmp_path / str(seed)
        nth = random.Random(seed).randint(*{"sample": (30, 60), "features": (60, 200)}.get(method, (12, 20)))
        with pytest.raises(EvonasError) as raised:
            search(folder, Late(method, fault, nth), seed=seed)
        line = str(raised.value)
        assert line.startswith(f"encoding 'Late' breaks the contract: {method}(")
        assert fault in line
        assert "\n" not in line
        kept = Archive(folder / "a.db").trials("run")
        if kept:
            assert f"{len(kept)} trial" in line
            assert line.endswith("mend it, then: evonas resume run")
            resume("run", archive=str(folder / "a.db"), data=OwnEvaluator.of(late.score), encoding=Late(), callbacks=())
            assert toy.what(Archive(folder / "a.db").trials("run")) == whole(seed)
        tally(f"{method}: one line, and resumed" if kept else f"{method}: one line before any trial")


@pytest.mark.parametrize("method", ["random", "evolution+boosting", "evolution+meta"])
@counted("An objective that is the same for all", quick=0, share=1, full=10)
def test_a_constant_objective(method, times, tally, tmp_path, recwarn):
    for seed in times:
        found, trials = search(tmp_path / str(seed), Late(), late.constant, seed=seed, method=method)
        assert len({trial.evaluation.candidate.genome for trial in trials}) == TRIALS
        assert found["best_trial"] == 0
        assert [str(one.message) for one in recwarn if one.category is RuntimeWarning] == []
        tally(method)


@counted("An encoding of 10,000 features", quick=0, share=1, full=5)
def test_very_many_features(times, tally, tmp_path):
    for seed in times:
        found, trials = search(tmp_path / str(seed), late.Wide(), seed=seed, trials=14)
        assert (found["trials"], found["failed"]) == (14, 0)
        assert {trial.evaluation.candidate.origin for trial in trials} > {"sampled"}
        tally()


@counted("Genomes of a megabyte", quick=0, share=1, full=5)
def test_very_large_genomes(times, tally, tmp_path):
    for seed in times:
        folder = tmp_path / str(seed)
        found, trials = search(folder, late.Large(), seed=seed, trials=14)
        assert (found["trials"], found["failed"]) == (14, 0)
        assert all(len(trial.evaluation.candidate.genome[-1]) == 2**20 for trial in trials)
        said = command("runs", "show", "run", cwd=folder, EVONAS_ARCHIVE=str(folder / "a.db")).stdout
        assert len(said) < 20_000, "a genome fills the screen"
        assert (folder / "out" / "report.html").stat().st_size < 10 * 2**20
        shown = json.loads(
            command("runs", "show", "run", "--json", cwd=folder, EVONAS_ARCHIVE=str(folder / "a.db")).stdout
        )
        assert len(shown["evaluations"][3]["genome"][-1]) == 2**20
        tally()


CODE = """
import sys
sys.path[:0] = {path!r}
from tests.torture.late import Late, Large, hopeless, score
"""
LOUD = """
def loud(candidate, task, seed):
    print('x' * 99999)
    return score(candidate, task, seed)
"""


def files(folder: Path, code: str = "") -> Path:
    (folder / "mine.py").write_text(CODE.format(path=[str(Path(__file__).parents[2])]) + code)
    return folder / "mine.py"


def words(file: Path, evaluator: str, encoding: str = "Late", *more: str) -> list[str]:
    places = ["--evaluator", f"{file}:{evaluator}", "--encoding", f"{file}:{encoding}", "--name", "run", "--out", "out"]
    return ["search", *places, "--surrogate", "none", *more]


@counted("A search in which everything fails", quick=1, share=3, full=20)
def test_everything_fails(times, tally, tmp_path):
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        done = command(
            *words(files(folder), "hopeless", "Late", "--trials", "1000", "--seed", str(seed)), cwd=folder, ok=False
        )
        assert done.returncode == 1
        lines = [line for line in done.stderr.splitlines() if line.startswith("evonas: ")]
        failed = Archive(folder / "archive.db").trials("run")
        assert len(failed) == HOPELESS, "it goes on without hope"
        commonest = sum(trial.evaluation.error == "LookupError: nothing is there" for trial in failed)
        assert commonest > HOPELESS / 2
        assert len(lines) == 1
        assert (
            f"no trial succeeded, {commonest} of {HOPELESS} for this reason: LookupError: nothing is there" in lines[0]
        )
        assert "Traceback" not in done.stderr
        tally("ended early, exit code 1, the commonest reason in a line")


@counted("A flood of text, from workers and from this process, before a result for programs", quick=0, share=2, full=4)
def test_what_a_user_prints_is_no_result(times, tally, tmp_path):
    flood = f"print({'y' * 99999!r})\n{LOUD}"
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        workers = ("--workers", str(1 + seed % 2))
        line = [
            str(Path(sys.executable).with_name("evonas")),
            *words(files(folder, flood), "loud"),
            "--json",
            "--archive",
            "archive.db",
            "--trials",
            "4",
        ]
        done = subprocess.run([*line, *workers], cwd=folder, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads(done.stdout)["trials"] == 4
        assert done.stderr.count("x") >= 4 * 99999  # workers write at the same time
        tally(f"{workers[1]} workers")


@counted("A search by two workers most of whose networks break", quick=0, share=1, full=5)
def test_what_is_kept_and_shown_of_a_fault(times, tally, tmp_path):
    """The reason and where it was raised, in the archive, by `evonas runs show`, and in the report."""
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        file = files(folder, "from tests.torture.faulty import Many\n")
        line = ["search", "--data", "digits", "--train-size", "200", "--epochs", "1", "--name", "run", "--out", "out"]
        line += ["--encoding", f"{file}:Many", "--method", "random", "--surrogate", "none", "--device", "cpu"]
        command(*line, "--trials", "8", "--workers", "2", "--seed", str(seed), cwd=folder)  # exit code 0
        trials = Archive(folder / "archive.db").trials("run")
        assert len(trials) == 8
        text = command("runs", "show", "run", cwd=folder).stdout
        shown = json.loads(command("runs", "show", "run", "--json", cwd=folder).stdout)["evaluations"]
        report = html.unescape((folder / "out" / "report.html").read_text(encoding="utf-8"))
        for trial, row in zip(trials, shown, strict=True):
            one = trial.evaluation
            reason = faulty.Many.reasons[one.candidate.genome[0]]
            assert one.ok == (reason == "")
            if one.ok:
                continue
            assert reason in (one.error or "")
            assert reason in text
            assert reason in report
            assert (row["error"], row["traceback"]) == (one.error, one.traceback)
            if reason.startswith("RuntimeError"):
                assert 'faulty.py", line ' in (one.traceback or "")
                assert "in its second line" in (one.traceback or "")
                assert "in its second line" in report
            tally(f"failed: {reason}")

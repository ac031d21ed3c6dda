"""The same seed and versions give the same evaluations, whatever the process and its hash seed; after an
interruption; and in spawned workers, in the order that was logged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evonas.execution.processes import Processes, Serial
from evonas.memory.archive import Archive
from evonas.search.loop import Budget, generator, replay, run
from evonas.search.methods import make_method
from tests.torture.counted import counted
from tests.torture.reproduced import ALONE, LEARNED, TRIALS, asked, context
from tests.toys import TASK, Slow, total

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests/search/golden/alone.json").read_text(encoding="utf-8"))["searches"]
BY_THE_CLOCK = {"seconds"}


@pytest.mark.parametrize("method", ALONE)
def test_without_a_model_a_search_goes_as_it_was_recorded(method):
    assert [[list(genome), fidelity] for genome, fidelity in asked(method, 1)] == GOLDEN[method]


def script(*words: str, **variables: str) -> str:
    """What it prints."""
    done = subprocess.run(
        [sys.executable, *words], env={**os.environ, **variables}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@counted("Same seed, another hash seed: every searcher", quick=1, share=5, full=25, part=5)
def test_the_hash_seed_changes_nothing(times, tally):
    here = {method: [[list(genome), fidelity] for genome, fidelity in asked(method, 1)] for method in ALONE + LEARNED}
    for k in times:
        assert json.loads(script("-m", "tests.torture.reproduced", PYTHONHASHSEED=str(k + 1))) == here
        tally()


@counted("Stopped and resumed: every searcher", quick=2, share=40, full=200, part=50)
def test_a_resumed_search_is_the_uninterrupted_one(times, tally):
    for seed in times:
        method = (*ALONE, *LEARNED)[seed % len(ALONE + LEARNED)]
        whole = run(
            make_method(method, context(method, seed)), Serial(total), TASK, seed=seed, budget=Budget(TRIALS)
        ).trials
        stop = int(np.random.default_rng(seed).integers(TRIALS + 1))
        resumed = run(
            make_method(method, context(method, seed)),
            Serial(total),
            TASK,
            seed=seed,
            budget=Budget(TRIALS),
            trials=whole[:stop],
        ).trials
        assert [(t.number, t.after, t.evaluation) for t in resumed] == [
            (t.number, t.after, t.evaluation) for t in whole
        ]
        tally()


@counted("Spawned workers: the logged order asked again", quick=0, share=10, full=50, part=10)
def test_what_workers_did_can_be_asked_again_in_the_order_that_was_logged(times, tally):
    for seed in times:
        method = (*ALONE, *LEARNED)[seed % len(ALONE + LEARNED)]
        first = make_method(method, context(method, seed))
        with Processes([Slow(0.002), Slow(0.005)]) as workers:
            trials = run(first, workers, TASK, seed=seed, budget=Budget(TRIALS)).trials
        again = make_method(method, context(method, seed))
        number, pending = replay(again, trials, seed)
        assert pending == []
        assert again.ask(1, generator(seed, number)) == first.ask(1, generator(seed, number))
        by_number, told = {trial.number: trial for trial in trials}, 0
        once_more = make_method(method, context(method, seed))
        for k in sorted(by_number):
            while told < by_number[k].after:
                once_more.tell([trials[told].evaluation])
                told += 1
            assert once_more.ask(1, generator(seed, k)) == [by_number[k].evaluation.candidate]
        tally()


@counted("Real trainings with another hash seed, by one thread and by two", quick=0, share=3, full=12, part=3)
def test_real_trainings_are_the_same_in_another_process(times, tally, tmp_path):
    first: dict[str, object] = {}  # by the number of threads: sums of several have another order
    for k in times:
        threads = str(1 + k % 2)
        if threads not in first:
            first[threads] = searched(tmp_path / f"first-{threads}", PYTHONHASHSEED="0", OMP_NUM_THREADS=threads)
        again = searched(tmp_path / str(k), PYTHONHASHSEED=str(k + 1), OMP_NUM_THREADS=threads)
        assert again == first[threads]
        tally()


def searched(folder: Path, **variables: str) -> tuple[object, bytes]:
    """What each trial of a small search measured, the clock apart, and the final network's weights."""
    folder.mkdir()
    words = f"search --data digits --encoding net --trials 3 --epochs 1 --name one -q --out {folder / 'out'}".split()
    call = "import sys; from evonas.app.cli import main; sys.argv[0] = 'evonas'; main()"
    script("-c", call, *words, EVONAS_ARCHIVE=str(folder / "archive.db"), **variables)
    trials = Archive(folder / "archive.db").trials("one")
    figures = [
        {name: value for name, value in trial.evaluation.metrics.items() if name not in BY_THE_CLOCK}
        for trial in trials
    ]
    return [(t.evaluation.candidate.genome, one) for t, one in zip(trials, figures, strict=True)], (
        folder / "out/model.safetensors"
    ).read_bytes()

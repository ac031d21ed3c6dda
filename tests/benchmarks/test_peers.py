"""Other people's optimizers behind the searcher agreement; skipped where the extra `peers` is not installed."""

import importlib.util
import pickle
import subprocess
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evonas import plugins
from evonas.encodings.cell import CellEncoding
from evonas.errors import EvonasError
from evonas.testing import SearcherContract
from evonas.types import Candidate, Evaluation, Objective
from evonas_benchmarks.commands import bench_app
from evonas_benchmarks.peers.space import space_of
from evonas_benchmarks.tabular import from_frame

PACKAGES = {
    "optuna-tpe": "optuna",
    "optuna-mtpe": "optuna",
    "pymoo-ga": "pymoo",
    "nevergrad": "nevergrad",
}


def make(name, encoding, **options):
    """The peer, or a skip where it is not installed."""
    pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed; it comes with the extra peers")
    return plugins.resolve("evonas.searchers", name)(encoding, **options)


def with_genes(encoding):
    """The contract's space, described as peers want it: half of the genes are names, so that both kinds are met."""
    named = tuple(range(encoding.base))[::-1]
    encoding.genes = {f"g{i}": named if i % 2 else tuple(range(encoding.base)) for i in range(encoding.length)}
    return encoding


class PeerContract(SearcherContract):
    name = ""

    def make_searcher(self, encoding):
        return make(self.name, with_genes(encoding))


class TestOptunaTPE(PeerContract):
    name = "optuna-tpe"


class TestOptunaMultivariateTPE(PeerContract):
    name = "optuna-mtpe"


class TestPymooGA(PeerContract):
    name = "pymoo-ga"


class TestNevergrad(PeerContract):
    name = "nevergrad"


LETTERS = ["p", "q", "r", "s", "t", "u"]


@pytest.fixture(scope="module")
def small():
    """3^6 × 4 architectures without the first two; the value rises with each c and with the width."""
    rng = np.random.default_rng(0)
    rows = [(*letters, width) for letters in product("abc", repeat=len(LETTERS)) for width in (1, 10, 100, 1000)]
    frame = pd.DataFrame(rows[2:], columns=[*LETTERS, "width"])
    score = (frame[LETTERS] == "c").mean(axis=1) + np.log10(frame.width) / 6
    frame["one"] = score + rng.normal(0, 0.02, len(frame))
    frame["two"] = -score + rng.normal(0, 0.02, len(frame))
    return from_frame(frame, [*LETTERS, "width"], {"one": "one"}, name="small"), frame


def search(searcher, table, trials, seed):
    """Told values, in order; what the table lacks is told as absent and no trial."""
    evaluate, task = table.evaluator("one"), table.tasks[0]
    values, k = [], 0
    while len(values) < trials:
        (candidate,) = searcher.ask(1, np.random.default_rng([seed, k]))
        evaluation = evaluate(candidate, task, seed)
        searcher.tell([evaluation])
        values += [evaluation.metrics["one"]] if evaluation.ok else []
        k += 1
    return values


SMALLER = {"pymoo-ga": {"population": 10}}  # or they would draw at random for all of a test


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("name", PACKAGES)
def test_a_peer_learns_and_is_told_the_right_way_round(name, maximize, small):
    table, frame = small
    options = SMALLER.get(name, {})
    late = []
    for seed in range(3):
        peer = make(name, table.encoding, objectives=[Objective("one", maximize)], **options)
        late += search(peer, table, 50, seed)[30:]
        assert peer.fallbacks < 10
    gained = np.mean(late) - frame.one.mean()
    assert (gained if maximize else -gained) > frame.one.std() / 2


@pytest.mark.parametrize("name", PACKAGES)
def test_global_randomness_is_left_alone(name):
    peer = make(name, CellEncoding())
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    for k in range(12):
        (candidate,) = peer.ask(1, np.random.default_rng([0, k]))
        peer.tell([Evaluation(candidate, {"val_accuracy": k / 20})])
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize("name", PACKAGES)
def test_one_objective_and_an_encoding_with_genes(name):
    with pytest.raises(EvonasError, match="one objective"):
        make(name, CellEncoding(), objectives=[Objective("a"), Objective("b")])
    with pytest.raises(EvonasError, match="with genes, and object has none"):
        make(name, object())


@pytest.mark.parametrize("name", ["cell", "macro", "graph"])
def test_a_space_holds_every_genome(name):
    encoding = space_named(name)
    space = space_of(encoding)
    rng = np.random.default_rng(0)
    canonical = getattr(encoding, "canonical", lambda genome: genome)
    for _ in range(200):
        genome = encoding.mutate(encoding.sample(rng), rng)
        assert canonical(space.genome(space.choice(genome))) == canonical(genome)
    with pytest.raises(EvonasError, match="no genome of this space"):
        space.choice(("nonsense",))


def space_named(name):
    if name == "graph":
        from evonas_benchmarks.graph_cell import GraphCellEncoding

        return GraphCellEncoding()
    return plugins.make("evonas.encodings", name)


SUITE = """
name = "small"
table = "small.csv"
genes = ["p", "q", "r", "s", "t", "u", "width"]
trials = 10
seeds = 1
earlier = 30
[[tasks]]
name = "one"
objective = "one"
[[tasks]]
name = "two"
objective = "two"
"""


def test_a_suite_with_every_peer_that_is_installed(small, tmp_path):
    names = [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]
    if not names:
        pytest.skip("no peer is installed; they come with the extra peers")
    small[1].to_csv(tmp_path / "small.csv", index=False)
    (tmp_path / "small.toml").write_text(SUITE)
    arguments = ["run", tmp_path / "small.toml", "--methods", ",".join(names), "--out", tmp_path / "out", "--quiet"]
    found = CliRunner().invoke(bench_app, [str(argument) for argument in arguments])
    assert found.exit_code == 0, found.output
    assert f"{2 * len(names)} cells done, 0 reused, 0 failed" in found.output


HIDDEN = """
import sys
sys.modules[{package!r}] = None
from evonas.cli import main
sys.argv = ["evonas", "bench", "run", "nasbench201", "--methods", {name!r}, "--out", {out!r}]
main()
"""


@pytest.mark.parametrize("name", PACKAGES)
def test_a_peer_that_is_not_installed_is_named_with_the_extra(name, tmp_path):
    code = HIDDEN.format(package=PACKAGES[name], name=name, out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "evonas[peers]"' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_strangers_genome_that_is_outside_the_space_is_named():
    peer = make("optuna-tpe", CellEncoding())
    peer.ask(1, np.random.default_rng(0))
    with pytest.raises(EvonasError, match="no genome of this space|is no cell"):
        peer.tell([Evaluation(Candidate("nonsense"), {"val_accuracy": 0.5})])

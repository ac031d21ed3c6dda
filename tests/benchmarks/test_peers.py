"""Other people's optimizers behind the searcher agreement; skipped where the extra `peers` is not installed."""

import ast
import importlib.util
import logging
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.core.optional import canonical_form
from evonas.core.types import Candidate, Evaluation
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.testing import Mirrored, SearcherContract
from evonas_benchmarks.commands import bench_app
from evonas_benchmarks.run.problems import Earlier
from evonas_benchmarks.tables.frames import from_frame
from tests.toys import on

PACKAGES = {
    "optuna-tpe": "optuna",
    "optuna-mtpe": "optuna",
    "optuna-nsga2": "optuna",
    "pymoo-ga": "pymoo",
    "pymoo-nsga2": "pymoo",
    "nevergrad": "nevergrad",
    "smac": "smac",
    "syne-rea": "syne_tune",
    "syne-bore": "syne_tune",
    "syne-cqr": "syne_tune",
    "syne-zero-shot": "syne_tune",
    "syne-quantile": "syne_tune",
    "syne-box": "syne_tune",
    "syne-warm-rea": "syne_tune",
}
TRANSFER = ["syne-zero-shot", "syne-quantile", "syne-box", "syne-warm-rea"]
UNADAPTIVE = ["syne-zero-shot", "syne-quantile", "syne-box"]  # learn from the earlier tasks only
TAKES_SEVERAL = ["optuna-tpe", "optuna-mtpe", "optuna-nsga2", "pymoo-nsga2", "smac", "syne-rea"]
ADAPTIVE = [name for name in PACKAGES if name not in UNADAPTIVE]


def make(name, encoding, *objectives, **options):
    """The peer, or a skip where it is not installed."""
    pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed; it comes with the extra peers")
    return plugins.resolve("evonas.searchers", name)(on(encoding, *objectives), **options)


def earlier(task, genomes, y):
    return Earlier(task, list(genomes), np.zeros((len(genomes), 0)), np.array(y, dtype=float))


def with_genes(encoding):
    """The contract's space, described as peers want it: half of the genes are names, so that both kinds are met."""
    named = tuple(range(encoding.base))[::-1]
    genes = {f"g{i}": named if i % 2 else tuple(range(encoding.base)) for i in range(encoding.length)}
    encoding.space = CategoricalEncoding(genes).space
    return encoding


class PeerContract(SearcherContract):
    name = ""

    def make_searcher(self, encoding):
        return make(self.name, with_genes(encoding))


class TestOptunaTPE(PeerContract):
    name = "optuna-tpe"


class TestOptunaMultivariateTPE(PeerContract):
    name = "optuna-mtpe"


class TestOptunaNSGA2(PeerContract):
    name = "optuna-nsga2"


class TestPymooNSGA2(PeerContract):
    name = "pymoo-nsga2"


class TestPymooGA(PeerContract):
    name = "pymoo-ga"


class TestNevergrad(PeerContract):
    name = "nevergrad"


class TestSMAC(PeerContract):
    name = "smac"


class TestSyneTuneREA(PeerContract):
    name = "syne-rea"


class TestSyneTuneBORE(PeerContract):
    name = "syne-bore"


@pytest.mark.slow
class TestSyneTuneCQR(PeerContract):
    name = "syne-cqr"


class TransferContract(PeerContract):
    """Taught with rows in which larger genes are worse, the opposite of what the contract rewards."""

    def make_searcher(self, encoding):
        searcher = super().make_searcher(encoding)
        rng = np.random.default_rng(0)
        genomes = [tuple(int(i) for i in rng.integers(encoding.base, size=encoding.length)) for _ in range(40)]
        searcher.learn([earlier(f"task {k}", genomes[k::2], [-float(sum(g)) for g in genomes[k::2]]) for k in (0, 1)])
        return searcher


class TestSyneTuneZeroShot(TransferContract):
    name = "syne-zero-shot"


class TestSyneTuneQuantile(TransferContract):
    name = "syne-quantile"


class TestSyneTuneBox(TransferContract):
    name = "syne-box"


class TestSyneTuneWarmREA(TransferContract):
    name = "syne-warm-rea"


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


EVOLVING = ("optuna-nsga2", "pymoo-ga", "pymoo-nsga2", "syne-rea", "syne-warm-rea")
SMALLER = {name: {"population": 10} for name in EVOLVING}
"""Or they would draw at random for all of a test."""
SLOW = {"syne-cqr"}


def each(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("name", each(name for name in ADAPTIVE if name != "smac"))
def test_a_peer_learns_and_is_told_the_right_way_round(name, maximize, small):
    table, frame = small
    options = SMALLER.get(name, {})
    late = []
    for seed in range(3):
        peer = make(name, table.encoding, Objective("one", maximize), **options)
        late += search(peer, table, 50, seed)[30:]
        assert peer.fallbacks < 10
    gained = np.mean(late) - frame.one.mean()
    assert (gained if maximize else -gained) > frame.one.std() / 2


@pytest.mark.parametrize("maximize", [True, False])
def test_smac_finds_the_best_and_is_told_the_right_way_round(maximize, small):
    """It draws many networks at random between those that it chooses, so that its best tells and its mean does not."""
    sign = 1 if maximize else -1
    frame = small[1].assign(one=sign * small[1].one)  # the lower end is too near the mean to tell luck from skill
    table = from_frame(frame, [*LETTERS, "width"], {"one": "one"}, name="small")
    objective = Objective("one", maximize)
    best = [
        max(sign * value for value in search(make("smac", table.encoding, objective), table, 50, seed))
        for seed in range(3)
    ]
    assert np.mean(best) - sign * frame.one.mean() > 2.6 * frame.one.std()  # of 50 at random: 2.2


TOLD = """
import sys
import numpy as np
from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.optional import Teachable
from evonas.encodings.cell import CellEncoding
from evonas.core.types import Evaluation
from evonas_benchmarks.run.problems import Earlier

def asked(name, trials=14):
    encoding = CellEncoding()
    options = {"budget": 16} if name == "smac" else {}
    peer = plugins.resolve("evonas.searchers", name)(SearchContext(encoding), **options)
    if isinstance(peer, Teachable):
        genomes = [encoding.sample(np.random.default_rng(k)) for k in range(30)]
        genomes = [encoding.canonical(genome) for genome in genomes]
        peer.learn([Earlier("a", genomes, np.zeros((30, 0)), np.array([float(g.count("3x3")) for g in genomes]))])
    for k in range(trials):
        (candidate,) = peer.ask(1, np.random.default_rng([0, k]))
        peer.tell([Evaluation(candidate, {"val_accuracy": candidate.genome.count("3x3") / 6})])
        yield candidate.genome

print({name: list(asked(name)) for name in sys.argv[1:]})
"""


@pytest.mark.thorough
def test_another_process_searches_alike():
    """Sets of strings, and of what is hashed by its text, have another order in every process."""
    names = [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]
    told = [
        subprocess.run(
            [sys.executable, "-c", TOLD, *names],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    first, second = map(ast.literal_eval, told)
    assert set(first) == set(names)
    assert first == second


@pytest.mark.parametrize("name", PACKAGES)
def test_what_belongs_to_the_process_is_left_alone(name, small, tmp_path, monkeypatch, capsys):
    """Its random state, its log handlers, its output, its folder."""
    monkeypatch.chdir(tmp_path)
    table, frame = small
    peer = make(name, table.encoding, Objective("one"))
    if name in TRANSFER:
        peer.learn(rows_of(table, frame))
    capsys.readouterr()
    before = pickle.dumps(np.random.get_state()), list(logging.getLogger().handlers)  # noqa: NPY002
    search(peer, table, 10, seed=0)
    assert before == (pickle.dumps(np.random.get_state()), logging.getLogger().handlers)  # noqa: NPY002
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", PACKAGES)
def test_absent_networks_are_not_asked_again(name, small):
    """However many of them there are, the first included; a peer that is told so goes on."""
    table, frame = small
    peer = make(name, table.encoding, Objective("one"), **SMALLER.get(name, {}))
    if name in TRANSFER:
        peer.learn(rows_of(table, frame))
    asked = []
    for k in range(24):
        (candidate,) = peer.ask(1, np.random.default_rng([0, k]))
        absent = Evaluation(candidate, {}, status="absent")
        peer.tell([absent if k % 4 != 3 else Evaluation(candidate, {"one": k / 24})])
        asked.append(candidate.genome)
    assert len(set(asked)) == 24


def rows_of(table, frame, n=200, sign=1):
    """Two earlier tasks that agree with `one`, or for sign=-1 contradict it."""
    return [
        earlier(f"task {seed}", [table.genomes[row] for row in chosen], sign * frame.one.to_numpy()[chosen])
        for seed in range(2)
        for chosen in [np.random.default_rng(seed).choice(len(frame), n, replace=False)]
    ]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", TRANSFER)
def test_a_transferring_peer_begins_with_what_was_good(name, sign, small):
    table, frame = small
    peer = make(name, table.encoding, Objective("one"))
    peer.learn(rows_of(table, frame, sign=sign))
    first = search(peer, table, 2 if name == "syne-warm-rea" else 10, seed=0)
    assert sign * (np.mean(first) - frame.one.mean()) > frame.one.std()
    assert peer.fallbacks == 0


@pytest.mark.parametrize("rows", [0, 1, 2])
@pytest.mark.parametrize("name", TRANSFER)
def test_a_transferring_peer_takes_few_rows_or_none(name, rows, small):
    table, frame = small
    peer = make(name, table.encoding, Objective("one"))
    peer.learn(rows_of(table, frame, rows))
    assert len(search(peer, table, 5, seed=0)) == 5
    untold = make(name, table.encoding, Objective("one"))
    assert len(search(untold, table, 5, seed=0)) == 5


@pytest.mark.parametrize("name", TRANSFER)
def test_a_transferring_peer_passes_over_what_its_space_lacks(name, small):
    table, frame = small
    rows = rows_of(table, frame)
    beside = [replace(one, genomes=[(9,) * 4, *one.genomes], y=np.append(99.0, one.y)) for one in rows]
    alone = [earlier("of another space", [(9,) * 4] * 5, range(5))]
    found = []
    for told in (rows, beside + alone):
        peer = make(name, table.encoding, Objective("one"))
        peer.learn(told)
        found.append(search(peer, table, 5, seed=0))
    assert found[0] == found[1]


def test_warm_evolution_begins_with_the_best_of_each_task(small):
    table, frame = small
    peer = make("syne-warm-rea", table.encoding, Objective("one"))
    known = rows_of(table, frame)
    peer.learn(known)
    asked = [candidate.genome for candidate in peer.ask(2, np.random.default_rng(0))]
    assert asked == [one.genomes[int(one.y.argmax())] for one in known]


def test_the_box_is_searched_to_the_end_and_then_made_wider():
    encoding = with_genes(Mirrored())
    peer = make("syne-box", encoding)
    peer.learn([earlier("a", [(0, 1, 1, 1), (2, 1, 1, 1)], [2, 1]), earlier("b", [(0, 1, 2, 1), (3, 3, 1, 1)], [2, 1])])
    asked = [peer.ask(1, np.random.default_rng(k))[0].genome for k in range(4)]
    inside = {encoding.canonical((0, 1, third, 1)) for third in (1, 2)}
    assert set(asked[:2]) == inside
    wider = {encoding.canonical((a, b, c, 1)) for a in range(4) for b in (1, 3) for c in (1, 2)}
    assert set(asked[2:]) <= wider - inside
    assert peer.fallbacks == 0


def test_syne_tunes_numbers_are_drawn_as_it_draws_them():
    pytest.importorskip("syne_tune")
    from syne_tune.config_space import choice, randint  # pyright: ignore[reportMissingImports]

    from evonas_benchmarks.peers.with_syne_tune import Named, Ordered

    for size in (2, 3, 7):
        for ours, theirs in (
            (Named(range(size)), choice(list(range(size)))),
            (Ordered(0, size - 1), randint(0, size - 1)),
        ):
            one, other = np.random.RandomState(size), np.random.RandomState(size)
            assert [ours.sample(random_state=one) for _ in range(100)] == [
                theirs.sample(random_state=other) for _ in range(100)
            ]


def test_bore_with_one_prediction_proposes_what_it_proposes_as_shipped():
    pytest.importorskip("syne_tune")
    from syne_tune.config_space import choice  # pyright: ignore[reportMissingImports]
    from syne_tune.optimizer.schedulers.searchers.bore import Bore  # pyright: ignore[reportMissingImports]

    from evonas_benchmarks.peers.with_syne_tune import Batched

    space = {f"x{i}": choice(list(range(10))) for i in range(8)}  # so large that nothing is proposed twice
    proposed = []
    for searcher in (Bore(space, random_seed=1), Batched(space, random_seed=1)):
        np.random.seed(0)  # noqa: NPY002
        configs = []
        for number in range(9):
            configs.append(searcher.suggest())
            searcher.on_trial_complete(number, configs[-1], float(sum(configs[-1].values())))
        proposed.append(configs)
    assert proposed[0] == proposed[1]


@pytest.mark.parametrize("level", [1 / 6, 0.33, 0.5, 0.9])
@pytest.mark.parametrize("rows", [3, 12, 60])
def test_cqr_fits_scikit_learns_trees(rows, level):
    pytest.importorskip("syne_tune")
    from sklearn.ensemble import GradientBoostingRegressor

    from evonas_benchmarks.peers.with_syne_tune import QuantileTrees

    rng = np.random.default_rng(rows)
    X, y = rng.integers(0, 2, (rows, 10)).astype(float), rng.random(rows).round(1)  # with ties
    shipped, ours = (
        model(loss="quantile", alpha=level, n_estimators=40, random_state=0).fit(X, y)
        for model in (GradientBoostingRegressor, QuantileTrees)
    )
    new = rng.integers(0, 2, (100, 10)).astype(float)
    assert (ours.predict(new) == shipped.predict(new)).all()


def test_cqr_proposes_what_it_proposes_with_scikit_learns_models(monkeypatch):
    pytest.importorskip("syne_tune")
    from sklearn.ensemble import GradientBoostingRegressor

    from evonas_benchmarks.peers import with_syne_tune

    proposed = []
    for model in (with_syne_tune.QuantileTrees, GradientBoostingRegressor):
        monkeypatch.setattr(with_syne_tune, "QuantileTrees", model)
        searcher, rng, genomes = make("syne-cqr", CellEncoding()), np.random.default_rng(0), []
        for number in range(9):  # from the sixth on by the model
            (candidate,) = searcher.ask(1, rng)
            genomes.append(candidate.genome)
            searcher.tell([Evaluation(candidate, {"val_accuracy": number % 4 / 4})])
        proposed.append(genomes)
    assert proposed[0] == proposed[1]


@pytest.mark.parametrize("name", PACKAGES)
def test_several_objectives_where_it_takes_them_and_an_encoding_with_genes(name):
    if name in TAKES_SEVERAL:
        assert len(make(name, CellEncoding(), Objective("a"), Objective("b")).goal.objectives) == 2
    else:
        with pytest.raises(EvonasError, match="one objective"):
            make(name, CellEncoding(), Objective("a"), Objective("b"))
    with pytest.raises(EvonasError, match="with genes, and object has no space"):
        make(name, object())


@pytest.mark.parametrize("name", ["cell", "macro", "graph"])
def test_a_space_holds_every_genome(name):
    encoding = space_named(name)
    space = encoding.space()
    rng = np.random.default_rng(0)
    canonical = canonical_form(encoding)
    for _ in range(200):
        genome = encoding.mutate(encoding.sample(rng), rng)
        assert canonical(space.genome(space.choice(genome))) == canonical(genome)
    with pytest.raises(EvonasError, match="no genome of this space"):
        space.choice(("nonsense",))  # pyright: ignore[reportArgumentType]


def space_named(name):
    if name == "graph":
        from evonas_benchmarks.tables.graph_cell import GraphCellEncoding

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
    assert f"{2 * len(names)} benchmark runs done, 0 reused, 0 failed" in found.output


HIDDEN = """
import sys
sys.modules[{package!r}] = None
from evonas.app.cli import main
sys.argv = ["evonas", "bench", "run", "nasbench201", "--methods", {name!r}, "--out", {out!r}]
main()
"""


@pytest.mark.thorough
@pytest.mark.parametrize(("package", "name"), {package: name for name, package in PACKAGES.items()}.items())
def test_a_peer_that_is_not_installed_is_named_with_the_extra(package, name, tmp_path):
    code = HIDDEN.format(package=package, name=name, out=str(tmp_path / "out"))
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

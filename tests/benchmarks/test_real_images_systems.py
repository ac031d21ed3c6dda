"""The systems of the comparison: each searches, or trains, as its name says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from studies.real_images import fixed, measured, plan, rank_correlation, shipped
from studies.real_images.searched import Forgetful, Searched
from studies.real_images.systems import SYSTEMS

from evonas.app.config import SearchConfig
from evonas.app.deadline import begun, with_first
from evonas.app.timetable import Timetable
from evonas.core import trust
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row
from evonas.core.goals import VAL_ACCURACY, Goal
from evonas.core.optional import Recommending
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.domains.images import images_from_arrays
from evonas.encodings.net import NetEncoding
from evonas.memory.archive import Archive, RunRecord
from evonas.search.methods import make_method
from evonas_surrogates import modelfile
from evonas_surrogates.meta import MetaSurrogate

RNG = np.random.default_rng(0)
TASK = Task("t", (1, 28, 28), 10, {}, "a1 b2 c3")
KEPT = {"keeps_mirror_x": 1.0, "keeps_mirror_y": 0.0, "keeps_shift_x": 1.0, "keeps_shift_y": 1.0}
NET = NetEncoding()
SEARCHES = [name for name, system in SYSTEMS.items() if isinstance(system, Searched)]


def evaluated(candidate):
    """Wide and deep networks are good, longer trainings better; mirrored and shifted images keep their class."""
    named = NET.named(candidate.genome)
    accuracy = 0.3 + 0.005 * named["width"] + 0.05 * named["depth"] + 0.1 * candidate.fidelity
    return Evaluation(candidate, {"val_accuracy": accuracy, "val_loss": 1 - accuracy, **KEPT})


def tried(name, store, n=24):
    """The candidates of a system."""
    return searched(name, store, n)[1]


def searched(name, store, n=24):
    """The searcher that `evonas search --deadline 4m` would make of a system, and its candidates."""
    system = SYSTEMS[name]
    assert isinstance(system, Searched)
    if name == "optuna-tpe":
        pytest.importorskip("optuna", reason="optuna is not installed; it comes with the extra peers")
    trust.given(*map(str, system.options.values()))
    timetable = Timetable.make(240.0, 2.0, 10_000, 2_000.0)
    timetable = system.timetable(timetable) if system.timetable else timetable
    context = SearchContext(system.encoding(), Goal((VAL_ACCURACY,)), TASK, store, encoding_name="net")
    context = with_first(context, timetable)
    method = SearchConfig.make({"encoding": "net", **system.options}).method_spec
    searcher = begun(make_method(method, context), context, timetable)
    found = []
    for number in range(n):
        (candidate,) = searcher.ask(1, np.random.default_rng([0, number]))
        searcher.tell([evaluated(candidate)])
        found.append(candidate)
    return searcher, found


@pytest.fixture
def store(tmp_path):
    return Archive(tmp_path / "archive.db")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return tried("evonas", Archive(tmp_path_factory.mktemp("ours") / "archive.db"))


def origins(candidates):
    """Of the candidates that are new, those of the lowest rung."""
    low = min(candidate.fidelity for candidate in candidates)
    return {candidate.origin for candidate in candidates if candidate.fidelity == low}


def test_the_plan_knows_all_systems():
    assert list(SYSTEMS) == [plan.OURS, *plan.FIXED, *plan.OTHERS, *plan.ABLATIONS]


def test_evonas_begins_with_the_portfolio_breeds_and_rises(ours):
    found = ours
    assert found[0].genome == NET.portfolio(TASK)[0]
    assert origins(found) & {"mutated", "crossed", "maximized"}
    risen = [candidate for candidate in found if candidate.fidelity > found[0].fidelity]
    assert {candidate.genome for candidate in risen} <= {c.genome for c in found if c.fidelity == found[0].fidelity}
    assert risen


@pytest.mark.parametrize(("name", "origin"), [("random", "sampled"), ("optuna-tpe", "policy")])
def test_others_search_from_nothing_by_the_same_rungs(name, origin, store, ours):
    found = tried(name, store)
    assert not {candidate.genome for candidate in found} & set(NET.portfolio(TASK))
    assert origins(found) == {origin}
    assert {candidate.fidelity for candidate in found} == {candidate.fidelity for candidate in ours}


def test_random_search_may_know_the_portfolio(store):
    found = tried("random after the portfolio", store)
    assert found[0].genome == NET.portfolio(TASK)[0]
    assert origins(found) == {"warm start", "sampled"}


def test_without_evolution_samples_are_screened(store):
    found, plain = tried("evonas without evolution", store), tried("random after the portfolio", store)
    assert origins(found) == {"warm start", "sampled"}
    assert [one.genome for one in found] != [one.genome for one in plain]  # the ranker chose


def test_without_rungs_nothing_rises(store, ours):
    found = tried("evonas without rungs", store)
    assert len({candidate.fidelity for candidate in found}) == 1
    assert found[0].fidelity == ours[0].fidelity


@pytest.mark.parametrize(("name", "varied"), [("evonas", True), ("evonas without probe", False)])
def test_without_the_probe_what_is_trained_in_full_is_not_varied(name, varied, store):
    searcher = searched(name, store)[0]
    assert isinstance(searcher, Recommending)
    genome: Any = searcher.recommend()
    assert NET.named(genome)["mirror_x"] == varied


def test_without_the_memory_earlier_tasks_are_not_known(store):
    earlier = Task("earlier", (3, 32, 32), 10, {}, "d4 e5 f6")
    store.add_run(RunRecord("earlier", earlier, "net", "random"))
    for number in range(12):
        candidate = Candidate(NET.sample(np.random.default_rng(number)))
        store.append(Trial("earlier", number, number, evaluated(candidate)))
    context = SearchContext(NET, Goal((VAL_ACCURACY,)), TASK, store, encoding_name="net")
    assert "earlier" in MetaSurrogate.recall(context).earlier_tasks()
    assert Forgetful.recall(context).earlier_tasks() == {}
    assert tried("evonas without memory", store, 12)[0].genome == NET.portfolio(TASK)[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A memory's file, as evonas ships them: two of its tasks are made of a third one's images."""
    tasks = {"mnist": ["mnist"], "addnist": ["mnist"], "usps": ["usps"], "chess": []}
    genomes = [NET.sample(np.random.default_rng(seed)) for seed in range(8)]
    X = np.array([feature_row(NET.features(genome)) for genome in genomes])
    groups, y = np.repeat(list(tasks), len(X)), np.tile(np.linspace(0, 1, len(X)), len(tasks))
    names = tuple(sorted(NET.features(genomes[0])))
    fitted = MetaSurrogate(trees=2).fit(np.tile(X, (len(tasks), 1)), y, groups, feature_names=names)
    made_of = {name: {"name": name, "fingerprint": "", "sources": sources} for name, sources in tasks.items()}
    path = tmp_path_factory.mktemp("model") / "net.safetensors"
    modelfile.save(fitted, path, encoding="net", objective="val_accuracy", tasks=made_of)
    return path


def test_what_shares_images_with_a_set_is_forgotten(model, store):
    found = shipped.memory_for(["mnist"], model)
    assert (found.forget, found.known) == (("mnist",), ("usps", "chess"))
    context = SearchContext(NET, Goal((VAL_ACCURACY,)), TASK, store, encoding_name="net")
    ranker = MetaSurrogate.recall(context, model=str(model), forget=",".join(found.forget))
    assert tuple(ranker.earlier_tasks()) == found.known
    assert shipped.memory_for(["kmnist"], model).forget == ()
    assert shipped.memory_for(["mnist"], model.with_name("none.safetensors")) == shipped.Memory()


@pytest.mark.parametrize(
    ("name", "surrogate"),
    [
        ("evonas", "meta(forget='mnist')"),
        ("evonas without evolution", "meta(refine=0, forget='mnist')"),
        ("evonas without memory", f"{Forgetful.__module__}:{Forgetful.__name__}"),
        ("random", "none"),
    ],
)
def test_only_what_remembers_is_made_to_forget(name, surrogate, model):
    system = SYSTEMS[name]
    assert isinstance(system, Searched)
    memory, options = replace(system, model=model).remembering(replace(blobs(), metadata={"sources": ["mnist"]}))
    assert options["surrogate"] == surrogate
    assert memory.known == (("usps", "chess") if "meta" in surrogate and ":" not in surrogate else ())


@pytest.mark.parametrize("name", plan.FIXED)
def test_a_fixed_network_takes_images_of_any_channels(name):
    import torch

    for shape in ((2, 28, 28), (3, 32, 32)):
        network = fixed.build_fixed(name, Task("t", shape, 7)).eval()
        assert network(torch.zeros(2, *shape)).shape == (2, 7)


def test_resnet8_is_the_one_of_78_042_parameters():
    network = fixed.build_fixed("resnet8", Task("t", (3, 32, 32), 10))
    assert sum(p.numel() for p in network.parameters()) == 78_042


def blobs(n=120):
    """Three classes by where the light is."""
    y = np.arange(n) % 3
    x = RNG.integers(0, 120, (n, 6, 6, 1))
    for i, label in enumerate(y):
        x[i, :, 2 * label : 2 * label + 2] += 100
    return images_from_arrays(x.astype(np.uint8), y, name="blobs")


@pytest.mark.thorough
def test_a_fixed_network_is_tried_with_both_recipes():
    found = SYSTEMS["resnet8"](blobs(), 1.0, 0)
    assert set(found["val_accuracies"]) == {"True", "False"}
    assert found["varied"] == (found["val_accuracies"]["True"] >= found["val_accuracies"]["False"])
    assert found["test_accuracy"] > 0.5
    assert found["fixed"]
    looking = found["looking_seconds"]  # 24 images are the test, and of the others a fifth validates
    assert looking["test"] / looking["validation"] == pytest.approx(24 / 19, rel=0.1)


def test_the_last_candidates_are_different_ones_each_as_long_as_it_was_trained():
    def trial(number, genome, fidelity, accuracy):
        return Trial("run", number, number, Evaluation(Candidate(genome, fidelity), {"val_accuracy": accuracy}))

    failed = Trial("run", 9, 9, Evaluation.failure(Candidate("d"), "diverged"))
    trials = [
        trial(0, "a", 0.1, 0.5),
        trial(1, "b", 0.1, 0.6),
        trial(2, "c", 0.1, 0.4),
        trial(3, "b", 0.3, 0.7),
        failed,
    ]
    found = rank_correlation.candidates(trials, 2)
    assert [(t.evaluation.candidate.genome, t.evaluation.candidate.fidelity) for t in found] == [("b", 0.3), ("c", 0.1)]


@pytest.mark.thorough
@pytest.mark.parametrize("name", SEARCHES)
def test_a_system_searches_for_its_seconds(name):
    if name == "optuna-tpe":
        pytest.importorskip("optuna", reason="optuna is not installed; it comes with the extra peers")
    measured.warm()
    found = SYSTEMS[name](blobs(), 16.0, 0)
    assert found["test_accuracy"] > 0.5
    data, fidelities = blobs(), {fidelity for fidelity, _, _ in found["trials"]}
    begins = found["trials"][0][2] == NET.portfolio(data.task)[0]
    assert begins == (name not in ("random", "optuna-tpe"))
    assert len(fidelities) == 1 or name != "evonas without rungs"
    assert 0 < found["usable_seconds"] < 16


@pytest.mark.thorough
def test_candidates_of_a_search_are_trained_as_long_as_its_final_network():
    measured.warm()
    try:
        found = rank_correlation.trained(blobs(), 25.0, 0, last=3)
    except EvonasError:  # a machine that is busy otherwise tried fewer than three
        found = rank_correlation.trained(blobs(), 75.0, 0, last=3)
    assert len(found) == 3
    assert all(row["seconds"] > 2 for row in found)
    assert all(0 < row["test_accuracy"] <= 1 for row in found)

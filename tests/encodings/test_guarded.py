"""An encoding that breaks late, and networks that no trainer can train."""

import copy
import pickle
import random
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.optional import Canonical, Drawable
from evonas.core.types import Encoding, Task
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.encodings.check import check_encoding
from evonas.encodings.guarded import GuardedEncoding, check_genome
from evonas.encodings.toolbox import ToolboxEncoding
from tests.toys import Digits

RNG = np.random.default_rng(0)
TASK = Task("t", (1, 8, 8), 3)


class Late(Digits):
    """Breaks in `method` at the third call, in the way of `fault`."""

    def __init__(self, method, fault):
        super().__init__()
        self.__dict__.update(method=method, fault=fault, calls=0)

    def __getattribute__(self, name) -> Any:
        found = super().__getattribute__(name)
        if name != super().__getattribute__("__dict__").get("method"):
            return found

        def method(*args):
            self.__dict__["calls"] += 1
            return self.fault(found(*args)) if self.calls > 2 else found(*args)

        return method


def divided(_):
    return 1 / 0


@pytest.mark.parametrize("method", ["sample", "mutate", "crossover", "features", "canonical"])
def test_what_raises_late_is_one_line_with_genome_and_line(method):
    guarded = GuardedEncoding(Late(method, divided))
    genome = (0, 1, 2, 3, 0, 0)
    genomes = {"sample": (), "crossover": (genome, genome)}.get(method, (genome,))
    arguments = (*genomes, RNG) if method in ("sample", "mutate", "crossover") else genomes
    for _ in range(2):
        getattr(guarded, method)(*arguments)
    said = rf"encoding 'Late' breaks the contract: {method}\({'.*0, 1, 2, 3, 0, 0.*' if genomes else ''}\) raised "
    with pytest.raises(EvonasError, match=said + r"ZeroDivisionError: division by zero \(test_guarded.py, line \d+\)"):
        getattr(guarded, method)(*arguments)


@pytest.mark.parametrize(
    ("method", "fault", "says"),
    [
        ("mutate", list, "not hashable"),
        ("mutate", lambda genome: (float("nan"),), "JSON does not keep"),
        ("sample", lambda genome: frozenset(genome), "JSON does not keep"),
        ("crossover", lambda genome: None if genome is None else (b"bytes",), "JSON does not keep"),
        ("features", lambda found: {**found, "new": 1.0}, "other names than those of other genomes: 'new'"),
        ("features", lambda found: {**found, "gene1": "x"}, "no number: 'gene1' is 'x'"),
        ("features", lambda found: {**found, "gene1": 1j}, "no number: 'gene1' is 1j"),
        ("features", lambda found: {**found, "gene1": np.float32("inf")}, "infinite number for 'gene1'"),
        ("features", lambda found: None, "raised TypeError"),
    ],
)
def test_what_is_no_genome_or_no_row_of_features(method, fault, says):
    guarded = GuardedEncoding(Late(method, fault))
    arguments = {"sample": (RNG,), "mutate": ((0,) * 6, RNG), "features": ((0,) * 6,)}
    arguments["crossover"] = ((0,) * 6, (1,) * 6, RNG)
    for _ in range(2):
        getattr(guarded, method)(*arguments[method])
    with pytest.raises(EvonasError, match=says) as raised:
        getattr(guarded, method)(*arguments[method])
    assert "\n" not in str(raised.value)


class Size(IntEnum):
    SMALL = 1


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((np.int64(3), "a", (np.float64(0.5),)), (3, "a", (0.5,))),
        (np.str_("a"), "a"),
        ((np.bool_(True), None), (True, None)),
        (np.int8(3), 3),
        ((Size.SMALL,), (1,)),
    ],
)
def test_numpys_numbers_are_numbers(given, taken):
    found = check_genome("X", "sample()", given)
    assert found == taken
    assert hash(found) == hash(given)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
)


@given(json_values)
def test_json_values_and_tuples_pass_as_they_are(genome):
    assert check_genome("X", "sample()", genome) is genome


def test_it_passes_for_what_it_guards():
    guarded, plain = GuardedEncoding(CellEncoding(width=4)), GuardedEncoding(Digits())
    assert isinstance(guarded, CellEncoding | Encoding)
    assert isinstance(guarded, Canonical)
    assert isinstance(guarded, Drawable)
    assert not isinstance(plain, Drawable)
    assert guarded.width == 4
    assert repr(guarded) == repr(guarded._encoding)
    genome = guarded.sample(np.random.default_rng(1))
    for other in (pickle.loads(pickle.dumps(guarded)), copy.deepcopy(guarded)):
        assert type(other) is GuardedEncoding
        assert other.sample(np.random.default_rng(1)) == genome
    with pytest.raises(AttributeError):
        _ = guarded.nothing_of_the_kind


# --- networks


class Net(CategoricalEncoding):
    def __init__(self, make):
        super().__init__({"a": (1, 2), "b": (1, 2)})
        self.make = make

    def build(self, genome, task):
        return self.make()


class Squeezing(nn.Sequential):
    def forward(self, input):
        return super().forward(input).squeeze()


def linear(**options):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3, **options))


class Free(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :3]


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3), requires_grad=False)

    def forward(self, x):
        return x.flatten(1)[:, :3] * self.weight


ONE = linear()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: linear(dtype=torch.complex64), r"has the parameter '1.weight' of torch.complex64"),
        (lambda: linear(dtype=torch.float64), r"has the parameter '1.weight' of torch.float64"),
        (lambda: linear(device="meta"), "puts the parameter '1.weight' on 'meta'; build on the CPU"),
        (lambda: ONE, "gave the same parameter '1.weight' to two networks"),
        (lambda: nn.Sequential(nn.Flatten(), ONE[1]), "gave the same parameter '1.weight' to two networks"),
        (Free, "has no parameter to train"),
        (Frozen, "has no parameter to train"),
        (lambda: Squeezing(nn.Flatten(), nn.Linear(64, 3)), r"gives \(3,\) for 1 input of \(1, 8, 8\), not logits"),
        (lambda: nn.Sequential(linear(), nn.Linear(3, 4)), r"gives \(2, 4\) for 2 inputs of \(1, 8, 8\)"),
    ],
)
def test_networks_that_cannot_be_trained_are_refused_before_the_search(make, says):
    with pytest.raises(EvonasError, match=rf"encoding 'Net' breaks the contract: build\(.*\) {says}") as raised:
        check_encoding(Net(make), TASK, np.random.default_rng(0))
    assert "\n" not in str(raised.value)


def test_lazy_layers_are_given_their_sizes():
    from evonas.training.building import build

    encoding = Net(lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3)))
    check_encoding(encoding, TASK, np.random.default_rng(0))
    network: Any = build(encoding, (1, 1), TASK)
    assert network.training
    assert network[1].num_batches_tracked == 0  # the two inputs taught it nothing
    assert sum(parameter.numel() for parameter in network.parameters()) == 4 * 9 + 4 + 8 + 4 * 36 * 3 + 3
    assert network[3].weight.shape == (3, 144)


def test_neither_the_check_nor_counting_leaves_a_trace_in_global_generators():
    from evonas.training.profile import costs

    def drawing():
        random.seed(5)
        network: Any = linear()
        with torch.no_grad():
            network[1].weight.fill_(np.random.normal() + random.random())  # noqa: NPY002
        return network

    before = random.getstate(), pickle.dumps(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    check_encoding(Net(drawing), TASK, np.random.default_rng(0))
    costs(Net(drawing), (1, 1), TASK)
    assert random.getstate() == before[0]
    assert pickle.dumps(np.random.get_state()) == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_toolbox_is_guarded_too():
    class Box:
        def individual(self):
            return [random.randrange(3)]

        def mutate(self, individual):
            raise KeyError("late")

        mate = None

    guarded = GuardedEncoding(ToolboxEncoding(Box(), lambda genome, task: linear()))
    with pytest.raises(EvonasError, match=r"mutate\(\(1,\)\) raised KeyError: 'late' \(test_guarded.py, line \d+\)"):
        guarded.mutate((1,), RNG)

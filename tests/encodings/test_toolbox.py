"""DEAP toolboxes with individuals of all kinds."""

import array
import pickle
import random
from collections import UserList, deque, namedtuple
from typing import Any, cast

import numpy as np
import pytest
from deap import base, tools
from deap import creator as deap_creator
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.encodings.guarded import GuardedEncoding
from evonas.encodings.toolbox import ToolboxEncoding
from evonas.testing import EncodingContract
from tests.contracts.test_built_in import widths

creator: Any = deap_creator  # whose classes are made as it runs
creator.create("Smallest", base.Fitness, weights=(-1.0,))
creator.create("Bytes", array.array, typecode="b", fitness=creator.Smallest)
creator.create("Vector", np.ndarray, fitness=creator.Smallest, unit="channels")
creator.create("Queue", deque, fitness=creator.Smallest)
creator.create("Fixed", tuple, fitness=creator.Smallest)
Layer = namedtuple("Layer", "width kernels")


class Aged(list):
    """A user's own class, with an attribute that is the same in each."""

    def __init__(self, genes=()):
        super().__init__(genes)
        self.born = "today"
        self.fitness = creator.Smallest()


def digits():
    return [random.randint(0, 3) for _ in range(5)]


def in_place(individual):
    """Whatever it is, it is met as it was made: of the same class, with what it knows."""
    individual[random.randrange(len(individual))] = random.randint(0, 3)
    return (individual,)


def anew(individual):
    genes = list(individual)
    genes[random.randrange(len(genes))] = random.randint(0, 3)
    return (type(individual)(genes),)


def swapped(a, b):
    i = random.randrange(1, len(a))
    one, other = list(a), list(b)
    return type(a)(one[:i] + other[i:]), type(a)(other[:i] + one[i:])


def box(individual, mutate=in_place, mate=swapped):
    toolbox = base.Toolbox()
    toolbox.register("individual", individual)
    toolbox.register("mutate", mutate)
    toolbox.register("mate", mate)
    return toolbox


def own_list():
    return Aged(digits())


def own_bytes():
    return creator.Bytes(digits())


def plain_array():
    return array.array("d", digits())


def own_vector():
    return creator.Vector(digits())


def plain_vector():
    return np.array(digits(), dtype=np.int16)


def own_queue():
    return creator.Queue(digits())


def fixed():
    return creator.Fixed(digits())


def user_list():
    return UserList(digits())


def array_mate(a, b):
    return swapped(a, b) if not isinstance(a, array.array) else (a[:2] + b[2:], b[:2] + a[2:])


def vector_mate(a, b):
    a, b = a.copy(), b.copy()
    a[2:], b[2:] = b[2:].copy(), a[2:].copy()
    return a, b


class TestOwnList(EncodingContract):
    encoding = ToolboxEncoding(box(own_list), widths)


class TestOwnArray(EncodingContract):
    encoding = ToolboxEncoding(box(own_bytes), widths)


class TestArray(EncodingContract):
    encoding = ToolboxEncoding(box(plain_array, mate=array_mate), widths)


class TestOwnVector(EncodingContract):
    encoding = ToolboxEncoding(box(own_vector), widths)


class TestVector(EncodingContract):
    encoding = ToolboxEncoding(box(plain_vector, mate=vector_mate), widths)


class TestQueue(EncodingContract):
    encoding = ToolboxEncoding(box(own_queue), widths)


class TestTuple(EncodingContract):
    encoding = ToolboxEncoding(box(fixed, mutate=anew), widths)


class TestUserList(EncodingContract):
    encoding = ToolboxEncoding(box(user_list), widths)


@pytest.mark.parametrize(
    "make", [own_list, own_bytes, plain_array, own_vector, plain_vector, own_queue, fixed, user_list]
)
def test_operators_meet_what_the_toolbox_makes(make):
    met = []

    def mutate(individual):
        met.append(individual)
        return (individual,)

    encoding = ToolboxEncoding(box(make, mutate), widths)
    genome = encoding.sample(np.random.default_rng(0))
    assert all(type(gene) in (int, float) for gene in genome)
    assert encoding.mutate(genome, np.random.default_rng(1)) == genome
    like = make()
    assert type(met[0]) is type(like)
    assert list(met[0]) == list(genome)
    if isinstance(like, (np.ndarray, array.array)):
        assert memoryview(met[0]).format == memoryview(cast(Any, like)).format
    assert getattr(met[0], "born", None) == getattr(like, "born", None)
    assert hasattr(met[0], "fitness") == hasattr(like, "fitness")


def layers(fewest):
    """[[width, (kernel, kernel)], …], of any length."""
    return [[random.choice((4, 8)), (1, random.choice((1, 3)))] for _ in range(random.randint(fewest, 3))]


def change_layers(individual):
    for layer in individual:
        assert isinstance(layer, list), layer
        assert isinstance(layer[1], tuple), layer
        layer[0] = random.choice((4, 8, 12))
    individual.append([4, (1, 3)])
    return (individual,)


def mate_layers(a, b):
    i = random.randint(0, min(len(a), len(b)))
    a[i:], b[i:] = b[i:], a[i:]
    return a, b


@given(seed=st.integers(0, 2**32 - 1), fewest=st.integers(0, 2))
@settings(max_examples=30, deadline=None)
def test_nested_lists_of_any_length_come_back_as_lists(seed, fewest):
    encoding, rng = ToolboxEncoding(box(lambda: layers(fewest), change_layers, mate_layers), widths), _rng(seed)
    genome = encoding.sample(rng)
    for _ in range(4):  # longer than any fresh one
        genome = encoding.mutate(genome, rng)
        genome = encoding.crossover(genome, encoding.sample(rng), rng)
        hash(genome)


def test_where_no_fresh_individual_tells_there_are_lists():
    met = []

    def grow(individual):
        met.append(list(individual))
        individual.append([4, 3])
        return (individual,)

    encoding, genome = ToolboxEncoding(box(list, grow, mate_layers), widths), ()
    for k in range(3):
        genome = encoding.mutate(genome, _rng(k))
    assert genome == ((4, 3),) * 3
    assert met[-1] == [[4, 3], [4, 3]]


def test_inner_sequences_of_other_kinds():
    def mixed():
        return [Layer(8, (1, 3)), array.array("i", [1, 2]), np.ones((2, 2)), deque([5])]

    met = []

    def mutate(individual):
        met.append(individual)
        return (individual,)

    encoding = ToolboxEncoding(box(mixed, mutate), widths)
    genome = ((4, (3, 3)), (7, 7), ((0.0, 1.0), (2.0, 3.0)), (1, 2, 3))
    assert encoding.mutate(genome, _rng(0)) == genome
    layer, ints, matrix, queue = met[0]
    assert layer == Layer(4, (3, 3))
    assert isinstance(layer, Layer)
    assert ints == array.array("i", [7, 7])
    assert matrix.tolist() == [[0, 1], [2, 3]]
    assert queue == deque([1, 2, 3])


class WithStrategy(list):
    def __init__(self, genes=()):
        super().__init__(genes)
        self.strategy = [random.random() for _ in self]


class Counted(list):
    generation = 0

    def __init__(self, genes=()):
        super().__init__(genes)
        self.age = 0


def grown_older(individual):
    individual.age += 1
    return (individual,)


@pytest.mark.parametrize(
    ("toolbox", "says"),
    [
        (box(lambda: WithStrategy(digits())), "toolbox.individual draws .* 'strategy', which a genome does not hold"),
        (box(lambda: Counted(digits()), grown_older), "toolbox.mutate changes .* 'age', which a genome does not hold"),
        (box(lambda: {1, 2}), "toolbox.individual returns a set; give a sequence of genes"),
        (box(lambda: "text"), "toolbox.individual returns a str; give a sequence of genes"),
        (box(digits, lambda individual: individual), r"toolbox.mutate returned \[.*return a tuple of individuals"),
        (box(digits, lambda individual: None), "toolbox.mutate returned None; DEAP's operators return a tuple"),
    ],
)
def test_what_a_genome_cannot_hold_is_refused_in_one_line(toolbox, says):
    encoding = ToolboxEncoding(toolbox, widths)
    with pytest.raises(EvonasError, match=says) as error:
        encoding.mutate(encoding.sample(_rng(0)), _rng(1))
    assert "\n" not in str(error.value)


def test_the_same_search_in_another_process():
    encoding = ToolboxEncoding(box(own_list), widths)
    genome = encoding.sample(_rng(0))
    there = pickle.loads(pickle.dumps(encoding))
    assert there.mutate(genome, _rng(1)) == encoding.mutate(genome, _rng(1))


def test_deaps_own_operators_work_on_its_own_classes():
    toolbox = base.Toolbox()
    toolbox.register("individual", tools.initRepeat, creator.Bytes, lambda: random.randint(0, 3), 6)
    toolbox.register("mutate", tools.mutUniformInt, low=0, up=3, indpb=0.5)
    toolbox.register("mate", tools.cxTwoPoint)
    encoding, rng = ToolboxEncoding(toolbox, widths), _rng(3)
    genomes = [encoding.sample(rng) for _ in range(4)]
    genomes += [encoding.mutate(genomes[0], rng), encoding.crossover(genomes[1], genomes[2], rng)]
    assert all(len(genome) == 6 and set(genome) <= {0, 1, 2, 3} for genome in genomes)


def _rng(seed):
    return np.random.default_rng(seed)


def breaks_late(individual):
    if sum(individual) > 8:
        raise ZeroDivisionError("no layers left")
    return in_place(individual)


def test_an_operator_that_raises_is_one_line_with_its_place():
    encoding = GuardedEncoding(ToolboxEncoding(box(digits, breaks_late), widths))
    genomes = [encoding.sample(_rng(k)) for k in range(200)]
    heavy = next(genome for genome in genomes if sum(genome) > 8)
    assert encoding.mutate(next(genome for genome in genomes if sum(genome) <= 8), _rng(0))
    with pytest.raises(EvonasError) as error:
        encoding.mutate(heavy, _rng(0))
    message = str(error.value)
    assert "\n" not in message
    for part in ("'ToolboxEncoding'", "mutate((", "ZeroDivisionError: no layers left", "test_toolbox.py"):
        assert part in message

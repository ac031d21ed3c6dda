"""A child's network begins with what its parent's has in common with it."""

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Task
from evonas.encodings.cell import OPERATIONS, CellEncoding, cell_string, parse
from evonas.encodings.macro import CHOICES, MacroEncoding
from evonas.training.inheritance import inherit, named_tensors
from tests.training.test_trainer import CONVOLUTIONS, figures, trainer

TASK = Task("toy", (1, 8, 8), 3)
CELLS = CellEncoding(width=4)


def test_the_part_that_both_have_is_taken_over():
    child = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 5))
    before = {name: tensor.clone() for name, tensor in named_tensors(child).items()}
    parent = {
        "0.weight": torch.full((4, 1, 5, 5), 7.0),
        "1.running_mean": torch.full((2,), 7.0),
        "2.weight": torch.full((5,), 7.0),  # of another kind
        "9.weight": torch.full((5,), 7.0),  # the child has none
    }
    share = inherit(child, parent)
    after = named_tensors(child)
    assert (after["0.weight"][:, :1] == 7).all()
    assert torch.equal(after["0.weight"][:, 1:], before["0.weight"][:, 1:])
    assert after["1.running_mean"].tolist() == [7, 7, 0]
    assert torch.equal(after["2.weight"], before["2.weight"])
    assert share == pytest.approx((27 + 2) / sum(tensor.numel() for tensor in after.values()))


def test_a_small_kernel_lies_in_the_centre_of_a_large_one():
    small, large = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.zeros_(large.weight)
    inherit(large, named_tensors(small))
    x = torch.randn(1, 1, 6, 6)
    assert torch.equal(large(x), small(x))


def mutants(encoding, n=20):
    rng = np.random.default_rng(0)
    for _ in range(n):
        genome = encoding.sample(rng)
        yield genome, encoding.mutate(genome, rng)


@pytest.mark.parametrize("encoding", [CELLS, MacroEncoding()], ids=["cell", "macro"])
def test_a_copy_inherits_everything_and_computes_the_same(encoding):
    for genome, _ in mutants(encoding, 5):
        parent, child = (encoding.build(genome, TASK).eval() for _ in range(2))
        assert inherit(child, named_tensors(parent)) == 1
        x = torch.randn(2, *TASK.input_shape)
        assert torch.equal(parent(x), child(x))


def test_a_cell_s_other_edges_keep_their_weights():
    """Pruning changes how many operations a cell has; an edge finds its own all the same."""
    for genome, mutant in mutants(CELLS):
        parent, child = (named_tensors(CELLS.build(g, TASK)) for g in (genome, mutant))
        changed = next(i for i, (a, b) in enumerate(zip(parse(genome), parse(mutant), strict=True)) if a != b)
        edge = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")[changed]
        network = CELLS.build(mutant, TASK)
        inherit(network, parent)
        for name, tensor in named_tensors(network).items():
            if name in parent and f"operations.{edge}." not in name:
                assert torch.equal(tensor, parent[name]), name
        assert set(child) - set(parent) <= {name for name in child if "operations." in name}


def test_a_deeper_stage_leaves_the_later_ones_theirs():
    encoding = MacroEncoding()
    genome = (1, 16, 3, 2, 0, 1) + (2, 16, 3, 4, 1, 1) * 2
    deeper = (3, *genome[1:])
    parent, child = encoding.build(genome, TASK), encoding.build(deeper, TASK)
    inherit(child, named_tensors(parent))
    theirs = named_tensors(parent)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in named_tensors(child).items() if name in theirs)
    assert set(theirs) <= set(named_tensors(child))
    assert len(CHOICES) == 6


def relative(folder, **options):
    return trainer(CELLS, epochs=3, checkpoints=folder, inherit=True, **options)


def test_a_child_starts_ahead_of_one_from_scratch(tmp_path):
    operations = parse(CONVOLUTIONS)
    child = cell_string((*operations[:5], OPERATIONS[1]))
    built = relative(tmp_path)
    assert built(Candidate(CONVOLUTIONS), built.data.task, 0).ok
    short = relative(tmp_path, lr=0.02)
    orphan = figures(short(Candidate(child), short.data.task, 0))
    short = relative(tmp_path)
    heir = figures(short(Candidate(child, parents=("never trained", CONVOLUTIONS)), short.data.task, 0))
    assert heir["val_loss"] < orphan["val_loss"]


def test_without_a_parent_that_left_something_it_is_from_scratch(tmp_path):
    built = relative(tmp_path)
    alone = figures(built(Candidate(CONVOLUTIONS, parents=("never trained",)), built.data.task, 0))
    plain = trainer(CELLS, epochs=3)
    assert alone == figures(plain(Candidate(CONVOLUTIONS), plain.data.task, 0))


def test_a_promoted_child_goes_on_from_its_own_checkpoint(tmp_path):
    built = relative(tmp_path)
    task = built.data.task
    assert built(Candidate("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"), task, 0).ok
    parents = ("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",)
    whole = figures(built(Candidate(CONVOLUTIONS, parents=parents), task, 0))
    assert built(Candidate(CONVOLUTIONS, 1 / 3, parents), task, 0).ok
    assert figures(built(Candidate(CONVOLUTIONS, 1.0, (CONVOLUTIONS,)), task, 0)) == whole


def test_it_needs_a_folder():
    with pytest.raises(EvonasError, match="inherit=True needs a folder"):
        trainer(inherit=True)

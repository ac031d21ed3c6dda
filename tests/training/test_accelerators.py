"""What is asked of devices: as far as a CPU can show it."""

import pytest
import torch

from evonas.core.types import Candidate, Task
from evonas.training import accelerators
from evonas.training import data as training_data
from evonas.training.building import seeded
from evonas.training.data import sent
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Hungry, Line, blobs


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("no memory for 32 images"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB, other allocations: 1.00 GB)"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_too_little_memory_is_known_by_type_or_word(error, expected):
    assert accelerators.out_of_memory(error) is expected


class HungryOnMPS(Hungry):
    """Its errors are of no type of their own."""

    def build(self, genome: float, task: Task) -> torch.nn.Module:
        network = super().build(genome, task)
        forward = network.forward

        def renamed(x: torch.Tensor) -> torch.Tensor:
            try:
                return forward(x)
            except torch.OutOfMemoryError as error:
                raise RuntimeError("MPS backend out of memory") from error

        network.forward = renamed
        return network


def test_too_little_memory_without_a_type_halves_the_micro_batch_too():
    encoding = HungryOnMPS()
    trainer = TorchTrainer(encoding, blobs(), epochs=1, device="cpu", batch_size=32)
    assert trainer(Candidate(8.0), trainer.data.task, 0).ok
    assert max(encoding.seen) == 8


def test_a_cpu_has_no_generator_of_its_own_and_waits_for_nobody():
    assert accelerators.random_state("cpu") is None
    before = torch.get_rng_state()
    accelerators.seed_generator("cpu", 3)
    accelerators.wait_for("cpu")
    accelerators.empty_cache("cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_seeding_is_torchs_own_and_leaves_no_trace():
    torch.manual_seed(5)
    expected, before = torch.rand(3), torch.get_rng_state()
    with seeded(5):
        assert torch.equal(torch.rand(3), expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_set_takes_half_of_the_memory_together_with_what_is_there(monkeypatch):
    def leaves(most: int, taken: int) -> None:
        monkeypatch.setattr(training_data, "memory", lambda device: (most, taken))

    leaves(1000, 0)
    assert training_data.fits(500, "cuda")
    assert not training_data.fits(501, "cuda")
    leaves(1000, 300)  # the training part, say
    assert training_data.fits(200, "cuda")
    assert not training_data.fits(201, "cuda")


def test_what_lies_with_the_host_is_sent_batch_by_batch():
    """To torch's device without numbers: shapes and devices are the same as on any other."""
    data = blobs(90, channels=3, size=8)
    trainer = TorchTrainer(Line(), data, epochs=1, device="cpu", batch_size=32)
    recipe = trainer.recipe(1.0)
    there = training_data.DeviceData(
        torch.from_numpy(data.x_train), torch.from_numpy(data.y_train).to("meta"), trainer.preprocessing(), "meta"
    )
    n = len(data.x_train)
    for batches in (there.batches(32), there.augmented(recipe, torch.Generator().manual_seed(0))):
        found = list(batches)
        assert [tuple(x.shape[1:]) for x, _ in found] == [(3, 8, 8)] * len(found)
        assert sum(len(x) for x, _ in found) == sum(len(y) for _, y in found) == n
        assert all(x.is_meta and x.dtype == torch.float32 and y.is_meta for x, y in found)
    here = torch.ones(3)
    assert sent(here, "cpu") is here

"""The trainer: a candidate becomes a trained network and its figures."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from evonas.core import environment
from evonas.core.errors import Diverged, EvonasError
from evonas.core.fixed import NOTHING, Fixed
from evonas.core.optional import HasRecipe
from evonas.core.own_metrics import OwnMetric
from evonas.core.paired import Paired
from evonas.core.quality import Answers
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Encoding, Evaluation, Task
from evonas.training import costing, finishing, profile
from evonas.training.accelerators import empty_cache, out_of_memory, wait_for
from evonas.training.answers import answers
from evonas.training.building import build, calibrate, seeded
from evonas.training.checkpoints import Checkpoints, digest
from evonas.training.data import DeviceSet, Preprocessing, TrainingData, at_once
from evonas.training.devices import (
    find_device,
    find_precision,
    keep_freed_memory,
    precision_for,
    threads_of_torch,
)
from evonas.training.finishing import Finished
from evonas.training.fitting import Fitting
from evonas.training.inheritance import inherit
from evonas.training.latency_table import LatencyTable
from evonas.training.pace import WARM, Clock, Pace, Steps
from evonas.training.probing import kept as probed
from evonas.training.turns import Alone, InTurns, Turns, in_turns
from evonas.training.watching import teller

VALIDATING = 1 / 3  # of the time that a training step takes for as many images, forwards only
TARGET_STEPS = 240  # of a full training where the epochs are not given: about two seconds on a core for 8×8 images
HEIRLOOM = "-weights"  # ends the name of what a finished network leaves to its children
NOT_OF_THE_TRAINING = {
    "encoding",
    "data",
    "device",
    "threads",
    "checkpoints",
    "kept",
    "watched",
    "probe",
    "refit_all",
    "validated",
    "clock",
    "turns",
    "own",
    "counted",
    "_cache",
}  # the rest is in its key
SHOWN = 512  # images that layers are set from
LEAST_VALIDATED = 200  # examples, where there are so many
LOOKED_AT = 256  # images at one time
SMALL = 2**22  # numbers of images that are small: a GPU looks at so many at one time, or would wait for the calls
FORWARD = 0.4  # of the time of a step's image, for one that is only looked at
OF_TWO, OF_EACH = 1e8, 2e9  # floating-point operations a step that two threads do faster than one; and for each, more


@dataclass
class TorchTrainer:
    """Trains candidates as their genomes' recipes say, or else as their data's does.

    An Evaluator. It is pickled with its data and keeps them as tensors on the device once it has trained. The same
    seed on the same machine gives the same figures.

    Args:
        encoding: builds the networks.
        data: what they are trained and validated on.
        epochs: of a full training; by default as many as give some hundred steps, 3 to 60.
        seconds: of a full training, instead of epochs, its validation included. A fidelity is a share of them, with a
            whole schedule of its own.
        batch_size, lr, weight_decay, label_smoothing: of networks whose genomes say nothing of it (`Recipe`).
        device: `auto` (CUDA, else MPS, else the CPU), or one of torch's names.
        threads: on a CPU; where not given, as many as a network can keep busy.
        precision: `float32`, `bfloat16` (convolutions only; weights and sums stay float32), or `auto`: bfloat16 where
            the device has instructions for it. On a CPU networks with grouped convolutions train in float32 always.
            Accuracies are always measured in float32.
        checkpoints: a folder where trainings are left, so that one with a higher fidelity goes on from one with a
            lower. A fidelity below 1 is then the first part of the full training. Without the folder, or with
            nothing in it that can be read, it is trained from the start, to the same figures.
            Where this is None, a fidelity below 1 is a short training with a whole schedule of its own.
        inherit: whether a network starts from the weights of the first of its candidate's parents that were left in
            `checkpoints`; what is trained then depends on what was trained before.
        held_out: whether each evaluation also has `test_accuracy`: for a benchmark, whose searchers are not told it.
        kept: a folder where each evaluation leaves its trained network, for `handed_over`.
        watched: a folder where running trainings say how far they have come (`evonas.training.watching`).
        probe: whether each evaluation also says in which ways images may be varied (`evonas.training.probing`).
        refit_all: whether the final network also learns from validation images that were given; from those that were
            drawn from the training images it always does.
        validated: validation examples a second of training that are looked at, where there are more: a short training
            must not spend its time on them. The same ones for all trainings of a length; the metric `validated` is
            how many.
        clock: what `seconds` are counted by; `time.process_time` counts this process's own, whatever else runs.
        turns: with trainings of other threads of this process (`in_turns`).
        own: metrics of a user's own.
        fixed: what all trainings have in common.
        counted: names of what is known before training and recorded besides `params`, `flops` and `model_kb`.

    Raises EvonasError where the device is not there or an option makes no training.
    """

    encoding: Encoding[Any]
    data: TrainingData
    epochs: int | None = None
    seconds: float | None = None
    batch_size: int = 64
    lr: float = 0.2
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    checkpoints: str | Path | None = None
    inherit: bool = False
    held_out: bool = False
    kept: str | Path | None = None
    watched: str | Path | None = None
    probe: bool = False
    refit_all: bool = False
    validated: float | None = None
    clock: Callable[[], float] = time.monotonic
    turns: Turns = field(default_factory=Alone, repr=False, compare=False)
    own: tuple[OwnMetric, ...] = ()
    fixed: Fixed = NOTHING
    counted: tuple[str, ...] = ()
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.device = find_device(self.device)
        self.precision = find_precision(self.precision, self.device)
        if self.inherit and self.checkpoints is None:
            raise EvonasError("inherit=True needs a folder for the parents' weights; give checkpoints=…")
        if self.batch_size < 2:
            raise EvonasError(f"batch_size is {self.batch_size}; batch normalisation needs 2 images or more")
        if self.epochs is not None and self.epochs < 1:
            raise EvonasError(f"epochs is {self.epochs}; give 1 or more")
        if self.seconds is not None and (self.epochs is not None or self.checkpoints is not None):
            other = "epochs" if self.epochs is not None else "checkpoints"
            raise EvonasError(
                f"seconds={self.seconds:g} and {other}={getattr(self, other)} exclude one another; give one"
            )
        if self.epochs is None and self.seconds is None:
            steps = max(1, len(self.data.y_train) // self.batch_size)
            self.epochs = min(60, max(3, round(TARGET_STEPS / steps)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    def for_workers(self, workers: int) -> list[TorchTrainer]:
        """One trainer a worker: CUDA devices in turn, or a share of the CPU's cores each where they share it."""
        if self.device == "cuda":
            return [replace(self, device=device, _cache={}) for device in islice(cycle(self.devices()), workers)]
        shared = self.device == "cpu" and workers > 1
        threads = max(1, environment.cores() // workers) if shared else self.threads
        return [replace(self, threads=threads, _cache={}) for _ in range(workers)]

    def in_turns(self, number: int) -> list[InTurns]:
        """One for each of so many threads of this process, which share the data on the device; figures other than
        `seconds` and `peak_memory_mb` are those of a training alone."""
        return in_turns(self, number, self.device)

    def with_turns(self, turns: Turns) -> TorchTrainer:
        return replace(self, turns=turns)

    def devices(self) -> list[str]:
        """What `device` stands for: `cuda` for all of them."""
        return [f"cuda:{i}" for i in range(torch.cuda.device_count())] if self.device == "cuda" else [self.device]

    def watched_in(self, folder: Path) -> TorchTrainer:
        return replace(self, watched=folder)

    def device_name(self) -> str:
        """In public words, for the record."""
        if self.device.startswith("cuda"):
            names = environment.gpus()
            number = torch.device(self.device).index or 0
            return names[number] if number < len(names) else self.device
        return environment.processor() if self.device == "cpu" else self.device

    def describe(self) -> str:
        """A line on each thing that all trainings have in common because somebody gave it; empty where nothing was."""
        return self.fixed.describe(self.data.y_train)

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        """Metrics `val_accuracy, val_loss, train_accuracy, params, flops, model_kb, seconds, peak_memory_mb`, and how
        many `images` were trained on, repeated ones too.

        A training whose loss is no number any more is a failed evaluation.
        """
        start = time.perf_counter()
        costs = profile.costs(self.encoding, candidate.genome, self.data.task)
        costs |= self.costs(candidate.genome, self.counted)
        try:
            with self.threads_for(costs["flops"]), seeded(seed, self.device):
                seconds = None if self.seconds is None else self.seconds * candidate.fidelity
                validation = self._validation(seconds)
                length = self.length(seconds, len(validation))
                network, figures = self.train(candidate, self.on_device("train"), seed, length, self._left())
                accuracy, loss, given = self.look(network, validation)
                further = {"test_accuracy": self.test(network, self.on_device("test"))[0]} if self.held_out else {}
                if self.probe:
                    recipe = self.recipe(candidate.genome)
                    further |= probed(network, validation, self.data.task.n_classes, recipe, figures["images"])
            if not math.isfinite(loss):
                raise Diverged("diverged: the validation loss is no number")
        except Diverged as error:
            return Evaluation.failure(candidate, str(error), time.perf_counter() - start)
        if self.kept is not None:
            finishing.keep(self.kept, candidate, network)
        further |= costing.of_trained(self, network) | (costing.of_answers(self, given) if given else {})
        seconds = time.perf_counter() - start
        metrics = {"val_accuracy": accuracy, "val_loss": loss, **costs, **figures, **further, "seconds": seconds}
        if self.validated is not None:
            metrics["validated"] = len(validation)
        return Evaluation(candidate, metrics, seconds)

    def costs(self, genome: Any, names: Sequence[str] = profile.KNOWN) -> dict[str, float]:
        """What a genome's network costs, known before it is trained: those named of `params, flops, model_kb,
        latency_table_ms` and of a user's own."""
        return costing.known(self, genome, names)

    def latency_table(self) -> LatencyTable:
        """That of the device, which all processes share."""
        if "table" not in self._cache:
            self._cache["table"] = LatencyTable.kept(self.device)
        return self._cache["table"]

    def finish(
        self,
        genome: Any,
        seed: int,
        seconds: float | None = None,
        *,
        tta: bool = False,
        others: Sequence[Any] = (),
    ) -> Finished:
        """Train in full, or for so many seconds, on training and validation images (those that were given with
        `refit_all` only), then touch the test set once.

        With `tta` the network looks at an image in the forms that its recipe trains it on (`Forms.of`). With `others`,
        further genomes, it is an `Ensemble` of theirs too, all of which share the seconds; one whose training diverges
        is left out.

        Raises Diverged where no training was good.
        """
        seconds = self.seconds if seconds is None else seconds
        return finishing.finish(self, [genome, *others], seed, seconds, tta)

    def handed_over(self, evaluation: Evaluation, *, test: bool = False) -> Finished | None:
        """The network that an evaluation left in `kept`, as it is; None where it is not there any more. With `test` the
        test set is touched once."""
        return finishing.handed_over(self, evaluation, test)

    def judge_forms(self, evaluation: Evaluation, genome: Any, seconds: float) -> Paired | None:
        """What `tta`, in the forms of a genome's recipe, is worth to the network that an evaluation left, on as many
        validation images as the seconds allow; None where there is no such network, or no other form."""
        return finishing.judge_forms(self, evaluation, genome, seconds)

    def rate(
        self, candidate: Candidate, seed: int, seconds: float, warm: Callable[[], object] | None = None
    ) -> dict[str, float]:
        """How fast a network trains while others may train beside it; nothing is kept. `images_per_second`, and the
        share of the device's memory that is free then (1 where it is the host's). `warm` is called before the first
        second: to wait for the others, say."""
        costs = profile.costs(self.encoding, candidate.genome, self.data.task)
        with self.threads_for(costs["flops"]), seeded(seed, self.device):
            training = self.begin(candidate.genome, seed)
            training.pace = Steps(WARM)
            training.run()
            if warm is not None:
                warm()
            before, start = training.images, self.clock()
            training.pace = Clock(seconds, start, now=self.clock)
            training.run()
            taken = self.clock() - start
        return {
            "images_per_second": (training.images - before) / taken,
            "free_memory": profile.free_memory(self.device),
        }

    @property
    def full_epochs(self) -> int:
        """Of a full training."""
        return self._epochs_of(1.0)

    def foresee(self, genome: Any, seed: int, seconds: float) -> float:
        """Seconds of a full training of the genome's network and its validation, by its speed within so many seconds;
        nothing is kept."""
        speed = self.rate(Candidate(genome), seed, seconds)["images_per_second"]
        return (self.full_epochs * len(self.data.y_train) + VALIDATING * len(self.data.y_val)) / speed

    def begin(self, genome: Any, seed: int) -> Fitting:
        """A training without an end, with none of it done: for whoever measures its steps. The learning rate stays
        where the warm-up begins."""
        data = self.on_device("train")
        recipe = self.recipe(genome)
        return self._fitting(Candidate(genome), data, seed, Steps(10**9), recipe.batch_size)

    def test(self, network: nn.Module, data: DeviceSet) -> tuple[float, float]:
        """Accuracy (0 to 1) and mean cross-entropy (nats) on a set."""
        network.eval()
        shape = self.data.task.input_shape
        most = LOOKED_AT if self.device == "cpu" else max(LOOKED_AT, min(4 * LOOKED_AT, SMALL // math.prod(shape)))
        correct = torch.zeros((), device=self.device, dtype=torch.long)
        loss = torch.zeros((), device=self.device)
        with torch.inference_mode():
            for images, labels in data.batches(at_once(shape, most)):
                logits = network(images).float()
                loss += F.cross_entropy(logits, labels, reduction="sum")
                correct += (logits.argmax(1) == labels).sum()
        with self.turns.aside():
            wait_for(self.device)
        return float(correct) / len(data), float(loss) / len(data)

    def look(self, network: nn.Module, data: DeviceSet) -> tuple[float, float, Answers | None]:
        """The same, and the answers where a metric is of them."""
        if not costing.asks_answers(self):
            return *self.test(network, data), None
        found, loss = answers(network, data, self.data.task.input_shape)
        return found.accuracy, loss, found

    def recipe(self, genome: Any) -> Recipe:
        """How a genome's network is trained."""
        if isinstance(self.encoding, HasRecipe):
            return self.fixed.recipe(self.encoding.recipe(genome))
        own = {name: getattr(self, name) for name in ("batch_size", "lr", "weight_decay", "label_smoothing")}
        return self.fixed.recipe(replace(self.data.recipe, **own))

    def train(
        self, candidate: Candidate, data: DeviceSet, seed: int, length: Pace | None, left: Checkpoints | None
    ) -> tuple[nn.Module, dict[str, Any]]:
        """The trained network and its figures."""
        training = self.trained(candidate, data, seed, length, left)
        return training.network, self.figures(training)

    def figures(self, training: Fitting) -> dict[str, Any]:
        """What is recorded of a training that has ended."""
        figures = {"train_accuracy": training.accuracy, "images": training.images}
        return {**figures, "peak_memory_mb": training.peak_memory_mb}

    def trained(
        self, candidate: Candidate, data: DeviceSet, seed: int, length: Pace | None, left: Checkpoints | None
    ) -> Fitting:
        """The training when it has ended. Out of memory halves the micro-batch, with the same effective batch."""
        micro = self.recipe(candidate.genome).batch_size
        while True:
            try:
                return self._attempt(candidate, data, seed, length, micro, left)
            except RuntimeError as error:
                if micro <= 1 or not out_of_memory(error):
                    raise
                micro //= 2
            empty_cache(self.device)  # after the exception, which holds the failed attempt's tensors

    def _attempt(
        self,
        candidate: Candidate,
        data: DeviceSet,
        seed: int,
        length: Pace | None,
        micro: int,
        left: Checkpoints | None,
    ) -> Fitting:
        """One training, from scratch or from where it was left; of the candidate's epochs where no length is given."""
        until = self._epochs_of(candidate.fidelity)
        if length is None:
            steps = -(-len(data) // self.recipe(candidate.genome).batch_size)
            length = Steps(steps * (until if left is None else self._epochs_of(1.0)))
        with seeded(seed, self.device):
            training = self._fitting(candidate, data, seed, length, micro, left)
            training.tell = teller(self.watched, candidate.genome)
            if left is None:
                training.run()
            else:
                self._go_on(training, left, self._key(candidate.genome, seed), until)
            training.end()
            if left is not None and self.inherit:
                left.save(self._key(candidate.genome, seed) + HEIRLOOM, finishing.weights(training.network))
        return training

    def _fitting(
        self,
        candidate: Candidate,
        data: DeviceSet,
        seed: int,
        length: Pace,
        micro: int,
        left: Checkpoints | None = None,
    ) -> Fitting:
        """A training with none of it done."""
        with seeded(seed, self.device):
            network = build(self.encoding, candidate.genome, self.data.task)
            if left is not None and self.inherit:
                self._take_over(network, candidate, seed, left)
            network = network.to(memory_format=torch.channels_last).to(self.device)
            calibrate(network, self._shown)
        recipe, generator = self.recipe(candidate.genome), torch.Generator().manual_seed(seed)
        precision = precision_for(network, self.precision, self.device)
        n_classes = self.data.task.n_classes
        return Fitting(network, data, recipe, length, generator, micro, precision, n_classes, self.turns, self.fixed)

    def _shown(self) -> torch.Tensor:
        """Training images that layers are set from, the same for every network."""
        if "shown" not in self._cache:
            recipe = Recipe(batch_size=max(2, at_once(self.data.task.input_shape, SHOWN)))
            drawn = self.on_device("train").augmented(recipe, torch.Generator().manual_seed(0))
            self._cache["shown"] = next(iter(drawn))[0]
            wait_for(self.device)  # trainings of other streams look at them too
        return self._cache["shown"]

    def _validation(self, seconds: float | None) -> DeviceSet:
        """What a training of so many seconds is validated on: all, or a part that is always the same."""
        y = self.data.y_val
        if self.validated is None or seconds is None or (some := self._looked_at(seconds)) >= len(y):
            return self.on_device("val")
        if ("val", some) not in self._cache:
            places = np.sort(np.random.default_rng(len(y)).permutation(len(y))[:some])
            images = self.data.x_val[places]
            self._cache["val", some] = self.data.put(images, y[places], self.preprocessing(), self.device)
        return self._cache["val", some]

    def _looked_at(self, seconds: float) -> int:
        return max(LEAST_VALIDATED, int((self.validated or 0.0) * seconds))

    def length(self, seconds: float | None, afterwards: int) -> Pace | None:
        """A training of so many seconds from now on, after which so many examples are looked at."""
        if seconds is None:
            return None
        return Clock(seconds, self.clock(), FORWARD * afterwards, self.clock)

    def _take_over(self, network: nn.Module, candidate: Candidate, seed: int, left: Checkpoints) -> None:
        """From the first parent that left something."""
        for parent in candidate.parents:
            weights = left.load(self._key(parent, seed) + HEIRLOOM)
            if weights is not None:
                inherit(network, weights.tensors)
                return

    def _go_on(self, training: Fitting, left: Checkpoints, key: str, until: int) -> None:
        """Train from where the same training was left, if that was earlier, and leave it for a longer one."""
        state = left.load(key)
        later = state is not None and state.notes.get("epoch", 0) > until
        if state is not None and not later:
            with suppress(ValueError):  # another network's
                training.restore(state)
        begun = training.epoch
        training.run(until)
        if begun < until < self._epochs_of(1.0) and not later:
            left.save(key, training.state())

    def _left(self) -> Checkpoints | None:
        return None if self.checkpoints is None else Checkpoints(self.checkpoints)

    def _key(self, genome: Any, seed: int) -> str:
        """Names all that a training depends on; options of the encoding by their representation."""
        if "key" not in self._cache:
            kind = type(self.encoding)
            options = {k: v for k, v in sorted(getattr(self.encoding, "__dict__", {}).items()) if not k.startswith("_")}
            own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in NOT_OF_THE_TRAINING}
            data = (self.data.x_train, self.data.y_train, self.data.recipe, self.data.task.n_classes)
            encoding = re.sub(r" at 0x[0-9a-f]+", "", repr((kind.__module__, kind.__qualname__, options)))
            self._cache["key"] = digest(encoding, own, torch.device(self.device).type, *data)
        return digest(self._cache["key"], genome, seed)

    def _epochs_of(self, fidelity: float) -> int:
        return max(1, round((self.epochs or 1) * fidelity))

    @contextmanager
    def threads_for(self, flops: float) -> Iterator[None]:
        """Within it, torch uses `threads`, or as many as the work of a step (forward and backward) is worth: below some
        work, waiting for one another costs more (`benchmarks/studies/speed/threads.py`)."""
        if self.device != "cpu":
            yield
            return
        keep_freed_memory()
        work = 3 * flops * self.batch_size
        threads = self.threads or min(environment.threads(), max(2 if work >= OF_TWO else 1, int(work / OF_EACH)))
        with threads_of_torch(threads):
            yield

    def preprocessing(self) -> Preprocessing:
        if "preprocessing" not in self._cache:
            self._cache["preprocessing"] = self.data.preprocessing()
        return self._cache["preprocessing"]

    def on_device(self, part: str) -> DeviceSet:
        """`train`, `val`, `test`, or `all` that the final network learns from; put on the device once."""
        if part == "all" and not self.data.refits(self.refit_all):
            part = "train"
        if part not in self._cache:
            d = self.data
            images, labels = {
                "train": lambda: (d.x_train, d.y_train),
                "val": lambda: (d.x_val, d.y_val),
                "test": lambda: (d.x_test, d.y_test),
                "all": d.labelled,
            }[part]()
            self._cache[part] = d.put(images, labels, self.preprocessing(), self.device)
            wait_for(self.device)
        return self._cache[part]

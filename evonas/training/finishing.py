"""What a search ends with: a network trained in full and tested once, and what is decided by networks it has kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Protocol

import torch
from torch import nn

from evonas.core.errors import Diverged
from evonas.core.paired import Paired
from evonas.core.quality import Answers
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Encoding, Evaluation
from evonas.training import profile
from evonas.training.answers import answers
from evonas.training.building import build, seeded
from evonas.training.checkpoints import Checkpoints, State, digest
from evonas.training.data import DeviceSet, Preprocessing, TrainingData, at_once
from evonas.training.ensemble import Ensemble
from evonas.training.fitting import Fitting
from evonas.training.forms import ONE_FORM, Forms, over_forms
from evonas.training.inheritance import named_tensors
from evonas.training.pace import Pace

JUDGED = 64  # images at once: between them it may turn out that the time is over


class Trainer(Protocol):
    """What is asked of a trainer here; `TorchTrainer` says what each is."""

    encoding: Encoding[Any]
    data: TrainingData
    device: str
    kept: str | Path | None
    clock: Callable[[], float]

    def recipe(self, genome: Any) -> Recipe: ...

    def trained(
        self, candidate: Candidate, data: DeviceSet, seed: int, length: Pace | None, left: Checkpoints | None
    ) -> Fitting: ...

    def figures(self, training: Fitting) -> dict[str, Any]: ...

    def length(self, seconds: float | None, afterwards: int) -> Pace | None: ...

    def threads_for(self, flops: float) -> AbstractContextManager[None]: ...

    def on_device(self, part: str) -> DeviceSet: ...

    def preprocessing(self) -> Preprocessing: ...


@dataclass(frozen=True)
class Member:
    """What a finished network is made of: a genome's network, and the forms in which it looks at an image."""

    genome: Any
    forms: Forms = ONE_FORM


@dataclass
class Finished:
    """A trained network and its figures: `test_accuracy`, `params`, `flops`, `seconds`, …; what it is made of; its
    answers to the test set, where that was touched, and the trainings of its members, where they were trained here."""

    model: nn.Module
    metrics: dict[str, Any]
    preprocessing: Preprocessing
    members: Sequence[Member]
    answers: Answers | None = None
    trainings: Sequence[Fitting] = ()


def assembled(members: Sequence[Member], networks: Sequence[nn.Module]) -> nn.Module:
    """One module of the members' networks."""
    each = [over_forms(network, member.forms) for member, network in zip(members, networks, strict=True)]
    return each[0] if len(each) == 1 else Ensemble(each)


def finish(trainer: Trainer, genomes: Sequence[Any], seed: int, seconds: float | None, tta: bool) -> Finished:
    """See `TorchTrainer.finish`."""
    start, shape = time.perf_counter(), trainer.data.task.input_shape
    share = None if seconds is None else seconds / len(genomes)
    members, trainings, diverged = [], [], None
    for genome in genomes:
        member = Member(genome, Forms.of(trainer.recipe(genome), shape) if tta else ONE_FORM)
        try:
            training = _trained(trainer, member, seed, share)
        except Diverged as error:
            diverged = error
            continue
        members.append(member)
        trainings.append(training)
    if not members:
        raise diverged or ValueError("no genome to train")
    figures = [trainer.figures(training) for training in trainings]
    model = assembled(members, [training.network for training in trainings])
    flops = profile.count_flops(model, shape)
    with trainer.threads_for(flops), seeded(seed, trainer.device):
        found, loss = answers(model, trainer.on_device("test"), shape)
    model = model.cpu().to(memory_format=torch.contiguous_format).eval()
    metrics = {
        "test_accuracy": found.accuracy,
        "test_loss": loss,
        "train_accuracy": mean(each["train_accuracy"] for each in figures),
        "images": sum(each["images"] for each in figures),
        "peak_memory_mb": max(each["peak_memory_mb"] for each in figures),
        "params": profile.count_params(model),
        "model_kb": profile.weights_kb(model),
        "flops": flops,
        "seconds": time.perf_counter() - start,
    }
    return Finished(model, metrics, trainer.preprocessing(), members, found, trainings)


def _trained(trainer: Trainer, member: Member, seed: int, seconds: float | None) -> Fitting:
    """A member's training, for so many seconds with its share of the test."""
    flops = profile.costs(trainer.encoding, member.genome, trainer.data.task)["flops"]
    with trainer.threads_for(flops), seeded(seed, trainer.device):
        length = trainer.length(seconds, member.forms.count * len(trainer.data.y_test))
        training = trainer.trained(Candidate(member.genome), trainer.on_device("all"), seed, length, None)
    if not all(bool(tensor.isfinite().all()) for tensor in named_tensors(training.network).values()):
        raise Diverged("diverged: a weight is no number")
    return training


def keep(folder: str | Path, candidate: Candidate, network: nn.Module) -> None:
    """Leave a candidate's trained network, for `handed_over`."""
    Checkpoints(folder).save(_kept_as(candidate), weights(network))


def handed_over(trainer: Trainer, evaluation: Evaluation, test: bool = False) -> Finished | None:
    """See `TorchTrainer.handed_over`."""
    candidate = evaluation.candidate
    state = None if trainer.kept is None else Checkpoints(trainer.kept).load(_kept_as(candidate))
    if state is None:
        return None
    with seeded(0):
        network = build(trainer.encoding, candidate.genome, trainer.data.task)
    with torch.no_grad():
        for name, tensor in named_tensors(network).items():
            tensor.copy_(state.tensors[name])
    metrics, found = dict(evaluation.metrics), None
    if test:
        network = network.to(trainer.device)
        found, _ = answers(network, trainer.on_device("test"), trainer.data.task.input_shape)
        metrics["test_accuracy"] = found.accuracy
    return Finished(network.cpu().eval(), metrics, trainer.preprocessing(), [Member(candidate.genome)], found)


def judge_forms(trainer: Trainer, evaluation: Evaluation, genome: Any, seconds: float) -> Paired | None:
    """See `TorchTrainer.judge_forms`."""
    end = trainer.clock() + seconds
    shape = trainer.data.task.input_shape
    forms = Forms.of(trainer.recipe(genome), shape)
    found = handed_over(trainer, evaluation) if forms.count > 1 else None
    if found is None:
        return None
    plain = found.model.to(trainer.device)
    over, examples, mended, spoilt = over_forms(plain, forms), 0, 0, 0
    in_any_order = Recipe(batch_size=max(2, at_once(shape, JUDGED)))
    with trainer.threads_for(evaluation.metrics["flops"]), seeded(0, trainer.device), torch.inference_mode():
        for images, labels in trainer.on_device("val").augmented(in_any_order, torch.Generator().manual_seed(0)):
            without, with_forms = (network(images).argmax(1) == labels for network in (plain, over))
            examples += len(labels)
            mended += int((with_forms & ~without).sum())
            spoilt += int((without & ~with_forms).sum())
            if trainer.clock() > end:
                break
    return Paired(examples, mended, spoilt)


def weights(network: nn.Module) -> State:
    """A network's own numbers, without anything of its training."""
    return State({name: tensor.detach().cpu() for name, tensor in named_tensors(network).items()})


def _kept_as(candidate: Candidate) -> str:
    """The name of what an evaluation of the candidate leaves."""
    return digest(candidate.genome, candidate.fidelity)

"""What domains have in common whose networks learn labels by `TorchTrainer`: images and series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.fixed import VOID
from evonas.core.goals import Goal
from evonas.core.quality import judged
from evonas.core.types import Encoding, Evaluation, Evaluator, Task
from evonas.domains.domain import FinalTraining, TrainingOptions
from evonas.domains.splitting import ArraySplit, class_counts, plural

if TYPE_CHECKING:
    from evonas.training.finishing import Finished
    from evonas.training.fitting import Fitting
    from evonas.training.trainer import TorchTrainer

CURVE = 200  # points of a training's curve that are kept
SHOWN = ("test_accuracy", "params", "flops", "model_kb", "images")  # of a network, in `result.json`


class Supervised:
    """A `Domain` but for `from_arrays`, `split` and `network`. Heavy packages are imported where they are needed.

    `what` is one example in a sentence, `metrics` what can be limited.
    """

    name: str
    encoding: str
    what: str
    without: Sequence[str] = ()
    trains = True
    deadline = False
    pipeline_tag = ""
    takes = "numbers as the training data have"
    metrics: Sequence[str] = (  # `keeps_…` and `validated` besides, where there is a deadline
        *("val_accuracy", "val_loss", "train_accuracy", "params", "flops", "model_kb", "seconds", "peak_memory_mb"),
        *(
            "balanced_accuracy",
            "f1_macro",
            "auc",
            "images",
            "latency_ms",
            "latency_batch_ms",
            "latency_onnx_ms",
            "latency_table_ms",
        ),
    )

    def found(self, split: Any) -> Sequence[str]:
        """`1,150 images train, 288 validate, 359 test; 8×8×1`, then the classes with their counts."""
        parts = [(len(split.y_train), "train"), (len(split.y_val), "validate"), (len(split.y_test), "test")]
        (first, verb), *others = parts
        sizes = ", ".join([f"{first:,} {plural(self.what)} {verb}", *(f"{n:,} {verb}" for n, verb in others)])
        labels = np.concatenate([split.y_train, split.y_val, split.y_test])
        return [
            f"{split.task.name}: {sizes}; {'×'.join(map(str, split.x_train.shape[1:]))} each",
            f"{len(split.class_names)} classes: {class_counts(labels, split.class_names)}",
        ]

    def check(self, encoding: Encoding[Any], task: Task, rng: np.random.Generator) -> None:
        from evonas.encodings.check import check_encoding

        try:
            check_encoding(encoding, task, rng)
        except EvonasError as error:
            if "build(" not in str(error):
                raise
            raise EvonasError(f"{error}; for {plural(self.what)} there is --encoding {self.encoding}") from error

    def trainer(self, encoding: Encoding[Any], split: Any, options: TrainingOptions) -> TorchTrainer:
        from evonas.training.trainer import TorchTrainer

        return TorchTrainer(
            encoding,
            split,
            epochs=options.epochs,
            device=options.device,
            checkpoints=options.checkpoints,
            inherit=options.inherit,
            kept=options.kept,
            refit_all=options.refit_all,
            own=options.own,
            fixed=options.fixed,
        )

    def evaluator(self, trainer: TorchTrainer, goal: Goal) -> Evaluator[Any]:
        from evonas.training.latency import with_latency

        return with_latency(trainer, goal)

    def hand_over(
        self, trainer: TorchTrainer, evaluation: Evaluation[Any], encoding: str, folder: Path, *, test: bool = False
    ) -> Mapping[str, Any] | None:
        """Write the network that an evaluation left, without a program."""
        from evonas.domains.export import save

        found = trainer.handed_over(evaluation, test=test)
        if found is None:
            return None
        save(folder, found, evaluation.candidate.genome, encoding, cast(ArraySplit, trainer.data), program=False)
        shown = {name: found.metrics[name] for name in SHOWN if name in found.metrics}
        return {**shown, "quality": self.quality(trainer, found)} if test else shown

    def finish(
        self, trainer: TorchTrainer, final: FinalTraining, encoding: str, seed: int, folder: Path
    ) -> Mapping[str, Any]:
        """Train, test once, write `genome.json` and `model.safetensors`."""
        from evonas.domains.export import save

        finished = trainer.finish(final.genome, seed, final.seconds, tta=final.tta, others=final.others)
        best = finished.members[0].genome
        save(folder, finished, best, encoding, cast(ArraySplit, trainer.data), program=False)
        figures = {name: finished.metrics[name] for name in (*SHOWN, "seconds")}
        notes = [
            self._learned(trainer),
            *trainer.describe().splitlines(),
            *self._looks(trainer, final),
            *_made_of(final, len(finished.members)),
        ]
        trainings = [_told(training) for training in finished.trainings]
        quality = self.quality(trainer, finished)
        return {"genome": best, **figures, "notes": notes, "trainings": trainings, "quality": quality}

    def quality(self, trainer: TorchTrainer, finished: Finished) -> Mapping[str, Any] | None:
        """What the answers to the test set tell (`evonas.core.quality.judged`), with the accuracy of a `linear` model,
        how many examples it learned from, the `metrics` of answers that the search is for or that are a user's own, and
        the most confident mistakes as this domain shows them. None where the test set was not touched."""
        from evonas.domains.linear import linear_accuracy
        from evonas.training.costing import of_answers

        if finished.answers is None:
            return None
        split = cast(ArraySplit, trainer.data)
        found = judged(finished.answers, split.class_names)
        accuracy, examples = linear_accuracy(split, np.random.default_rng(0))
        for mistake in found["mistakes"]:
            mistake |= self.shown(split, mistake["position"])
        further = {name: v if np.isfinite(v) else None for name, v in of_answers(trainer, finished.answers).items()}
        return {**found, "linear": {"accuracy": accuracy, "examples": examples}, "metrics": further}

    def shown(self, split: Any, position: int) -> Mapping[str, Any]:
        """A test example in JSON values: a `picture` as a data URI, a `name` where it has one."""
        return {}

    def _learned(self, trainer: TorchTrainer) -> str:
        """A line on what the final network learned from."""
        split, several = cast(ArraySplit, trainer.data), plural(self.what)
        train, val = (f"{len(labels):,}" for labels in (split.y_train, split.y_val))
        line = f"the final network learned from {train} training {several}"
        if not split.val_given:
            return f"{line} and the {val} validation {several} drawn from them"
        if trainer.refit_all:
            return f"{line} and the {val} validation {several} that were given"
        return f"{line}, not from the {val} validation {several} that were given: --refit-all adds them"

    def _looks(self, trainer: TorchTrainer, final: FinalTraining) -> list[str]:
        """A line on test-time augmentation, where it was judged."""
        from evonas.training.forms import Forms

        if final.judged is None:
            return []
        shape, genomes = trainer.data.task.input_shape, (final.genome, *final.others)
        n = " or ".join(map(str, sorted({Forms.of(trainer.recipe(genome), shape).count for genome in genomes})))
        found, several = final.judged, plural(self.what)
        seen = f"of {found.examples:,} validation {several} it mended {found.mended} and spoilt {found.spoilt}"
        if final.tta:
            return [f"test-time augmentation over {n} forms: {seen} (p = {found.p:.2g}); it costs {n} times as much"]
        return [f"no test-time augmentation over {n} forms: {seen}, which is within chance (p = {found.p:.2g})"]

    def add_program(self, folder: Path, encoding: Any = None) -> Sequence[str]:
        """Write `model.pt2` beside the network that is in the folder."""
        from evonas.domains.export import add_program

        return add_program(folder, encoding)

    def examples(self, split: Any) -> Mapping[str, Any]:
        return {}

    def sections(self, examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return ()


def _told(training: Fitting) -> dict[str, Any]:
    """Of a final training, in JSON values; of its curve [images, loss, accuracy] at evenly spaced epochs."""
    curve = training.curve
    places = np.unique(np.linspace(0, len(curve) - 1, min(CURVE, len(curve))).round().astype(int))
    return {
        "epochs": training.epoch,
        "steps": training.steps,
        "images": training.images,
        "recipe": {**asdict(training.recipe), **_void(training), **training.fixed.own},
        "curve": [[curve[place][0], *(float(f"{value:.4g}") for value in curve[place][1:])] for place in places],
    }


def _void(training: Fitting) -> dict[str, Any]:
    """Settings of a recipe that have no effect, as the report passes them over."""
    return {name: None for part in training.fixed.own for name in VOID[part]}


def _made_of(final: FinalTraining, members: int) -> list[str]:
    """A line on an ensemble."""
    if not final.others:
        return []
    lost = 1 + len(final.others) - members
    all_of_them = f"the mean of {members} networks, with the parameters and operations of all"
    line = f"the network is {all_of_them if members > 1 else 'a single one'}"
    return [f"{line}; the training of {lost} more diverged" if lost else line]

"""Searches as scikit-learn's classifiers: `fit`, `predict`, `predict_proba`, `score`; they clone and cross-validate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from evonas.app.config import SearchConfig
from evonas.app.display import automatic
from evonas.app.groups import MEMORY
from evonas.app.job import carry_out
from evonas.app.objects import spec_of
from evonas.app.preparation import check_encoding_given, prepare
from evonas.core import trust
from evonas.core.types import Encoding
from evonas.domains.domain import domain_named


class _Classifier(ClassifierMixin, BaseEstimator):
    """What both have in common; `kind` is the domain."""

    kind = ""

    trials: int | None
    deadline: str | float | None
    epochs: int | None
    encoding: str | Encoding[Any]
    method: str
    surrogate: str
    balance: bool
    start: Any
    device: str
    archive: str | None
    random_state: Any
    verbose: bool | None

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Search, and train the best network on all examples.

        Candidates are compared on some of them; the network then learns from these too, so that what it is worth is for
        `score` on others, or a cross-validation, to say. `groups` (n,) say whom each example is of (a patient, a
        camera, a day): all of one are on one side where candidates are compared.

        Raises ValueError, EvonasError among them, where examples, labels or an option are not valid.
        """
        from evonas.domains.export import load

        X, y = validate_data(self, X, y, allow_nd=True, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"all labels are of one class, {self.classes_[0]!r}; give two classes at least")
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        x, seen = self._examples(X), np.unique(codes, return_index=True)[1]  # a test set there has to be: its figure is
        data = domain_named(self.kind).from_arrays(x, codes, x[seen], codes[seen], name="memory")  # looked at by nobody
        given = self.encoding
        check_encoding_given(given)
        trust.given(*(value for value in (spec_of(given), self.method, self.surrogate) if isinstance(value, str)))
        with TemporaryDirectory(prefix="evonas-") as folder:
            spec = None if given is None else spec_of(given)
            values = {"data": "memory", "encoding": spec, "method": self.method, "surrogate": self.surrogate}
            values |= {"trials": self.trials, "deadline": self.deadline, "epochs": self.epochs, "device": self.device}
            values |= {"seed": int(seed), "name": "fit", "out": f"{folder}/out"}
            values |= {"balance": self.balance, "start": self.start, "groups": None if groups is None else MEMORY}
            values["archive"] = f"{folder}/archive.db" if self.archive is None else self.archive
            config = SearchConfig.make({key: value for key, value in values.items() if value is not None})
            made = None if isinstance(given, str) else given
            objects = {} if groups is None else {"groups": groups}
            job = replace(prepare(config, data=data, encoding=made, objects=objects), extras=False)
            result = carry_out(job, automatic(job.budget, job.goal) if self.verbose is None else ())
            self.network_ = load(Path(folder) / "out")
        self.genome_, self.n_trials_ = result["genome"], result["trials"]
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes) probabilities, in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, allow_nd=True, reset=False)
        found = np.zeros((len(X), len(self.classes_)))
        found[:, [int(name) for name in self.network_.class_names]] = self.network_.predict_proba(self._examples(X))
        return found

    def predict(self, X: Any) -> np.ndarray:
        """(n,) labels, as `fit` was given them."""
        codes = self.predict_proba(X).argmax(1)  # first: it says where there is no network yet
        return self.classes_[codes]

    def _examples(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # a search of two short trainings is no good network
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.deadline is not None
        return tags


class ImageClassifier(_Classifier):
    """A network for images, searched for by `fit`.

    Args:
        trials, deadline, epochs, encoding, method, surrogate, balance, device: as of `evonas search`.
        start: networks of your own to begin with: files like genome.json, or genomes.
        image_shape: (height, width) or (height, width, channels) where images are rows of pixels, (n, pixels); `auto`:
            square where it can be, else one row. Without it (n, height, width[, channels]) arrays alone are taken.
        archive: file or URL of the archive that a fit remembers in; by default each fit is on its own, so that no fold
            of a cross-validation learns from another.
        random_state: of the split, the search and the trainings.
        verbose: None shows the progress on a terminal and in a notebook; False shows nothing.

    Attributes: `classes_`, `network_` (see `evonas.load`), `genome_`, `n_trials_`.
    """

    kind = "images"

    def __init__(
        self,
        *,
        trials: int | None = None,
        deadline: str | float | None = None,
        epochs: int | None = None,
        encoding: str | Encoding[Any] = "net",
        method: str = "evolution",
        surrogate: str = "meta",
        balance: bool = False,
        start: Any = None,
        device: str = "auto",
        image_shape: Sequence[int] | Literal["auto"] | None = None,
        archive: str | None = None,
        random_state: Any = None,
        verbose: bool | None = None,
    ):
        self.trials, self.deadline, self.epochs = trials, deadline, epochs
        self.encoding, self.method, self.surrogate = encoding, method, surrogate
        self.balance, self.start = balance, start
        self.device, self.image_shape, self.archive = device, image_shape, archive
        self.random_state, self.verbose = random_state, verbose

    def _examples(self, X: np.ndarray) -> np.ndarray:
        """(n, height, width[, channels])."""
        if X.ndim != 2:
            return X
        shape, pixels = self.image_shape, X.shape[1]
        if shape is None:
            raise ValueError(f"X has shape {X.shape}: rows of pixels need image_shape=(height, width[, channels])")
        if isinstance(shape, str) and shape != "auto":
            raise ValueError(f"image_shape={shape!r} is none; give (height, width[, channels]) or 'auto'")
        if isinstance(shape, str):
            side = math.isqrt(pixels)
            shape = (side, side) if side * side == pixels else (1, pixels)
        if math.prod(shape) != pixels:
            raise ValueError(f"image_shape={tuple(shape)} has {math.prod(shape)} pixels, but X has rows of {pixels}")
        return X.reshape(len(X), *shape)


class SeriesClassifier(_Classifier):
    """A network for series, (n, length) or (n, length, channels), searched for by `fit`. Arguments and attributes are
    those of `ImageClassifier`."""

    kind = "series"

    def __init__(
        self,
        *,
        trials: int | None = None,
        deadline: str | float | None = None,
        epochs: int | None = None,
        encoding: str | Encoding[Any] = "series",
        method: str = "evolution",
        surrogate: str = "meta",
        balance: bool = False,
        start: Any = None,
        device: str = "auto",
        archive: str | None = None,
        random_state: Any = None,
        verbose: bool | None = None,
    ):
        self.trials, self.deadline, self.epochs = trials, deadline, epochs
        self.encoding, self.method, self.surrogate = encoding, method, surrogate
        self.balance, self.start = balance, start
        self.device, self.archive = device, archive
        self.random_state, self.verbose = random_state, verbose

    def _examples(self, X: np.ndarray) -> np.ndarray:
        return X

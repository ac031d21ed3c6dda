"""Series as a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evonas.core.types import Encoding
from evonas.domains.domain import TrainingOptions
from evonas.domains.groups import one_sided
from evonas.domains.series import drawing
from evonas.domains.series.arrays import series_from_arrays
from evonas.domains.series.dataset import Series, Split
from evonas.domains.splitting import split_positions
from evonas.domains.supervised import Supervised

if TYPE_CHECKING:
    from evonas.training.trainer import TorchTrainer


class SeriesDomain(Supervised):
    """Series of one length, in classes."""

    name, encoding, what = "series", "series", "series"

    def from_arrays(self, x: Any, y: Any, x_test: Any = None, y_test: Any = None, **options: Any) -> Series:
        return series_from_arrays(x, y, x_test, y_test, **options)

    def split(self, data: Series, *, seed: int, train_size: int | None = None) -> Split:
        given = data.x_val is not None
        size, name = train_size, data.name
        train, val = split_positions(
            data.y, seed=seed, train_size=size, name=name, what=self.what, validated=given, groups=data.groups
        )
        x_val = data.x[val] if data.x_val is None else data.x_val
        y_val = data.y[val] if data.y_val is None else data.y_val
        further = one_sided(data, y_val, data.y_test, self.what)
        parts = data.x[train], data.y[train], x_val, y_val, data.x_test, data.y_test
        return Split(data.task, *parts, data.class_names, given, (*data.notes, *further))

    def found(self, split: Split) -> Sequence[str]:
        return [*super().found(split), *split.notes]

    def trainer(self, encoding: Encoding[Any], split: Split, options: TrainingOptions) -> TorchTrainer:
        """A tenth of the series a step, 8 to 64, for many sets are small (as Ismail Fawaz et al. 2019 have it), and a
        learning rate in proportion (Goyal et al. 2017, arXiv:1706.02677)."""
        found = super().trainer(encoding, split, options)
        batch = min(found.batch_size, max(8, len(split.y_train) // 10))
        return replace(found, batch_size=batch, lr=found.lr * batch / found.batch_size, epochs=options.epochs)

    def network(self, model: Any, preprocessing: Any, class_names: tuple[str, ...], shape: tuple[int, ...]) -> Any:
        from evonas.domains.series.network import Network

        return Network(model, preprocessing, class_names, shape)

    def examples(self, split: Split) -> Mapping[str, Any]:
        return drawing.examples(split)

    def sections(self, examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return drawing.sections(examples)

"""Images as a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evonas.core.errors import EvonasError
from evonas.domains.images import drawing
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images, Split
from evonas.domains.images.pictures import ON_CONDITION, endings
from evonas.domains.images.splitting import split
from evonas.domains.supervised import Supervised


class ImageDomain(Supervised):
    """Pictures of one size, in classes."""

    name, encoding, what, deadline = "images", "net", "image", True
    pipeline_tag, takes = "image-classification", "floats, pixels from 0 to 255"

    def from_arrays(self, x: Any, y: Any, x_test: Any = None, y_test: Any = None, **options: Any) -> Images:
        return images_from_arrays(x, y, x_test, y_test, **options)

    def split(self, data: Images, *, seed: int, train_size: int | None = None) -> Split:
        """Raises EvonasError where all training images are the same one, too."""
        found = split(data, seed=seed, train_size=train_size)
        if all((image == found.x_train[0]).all() for image in found.x_train):
            raise EvonasError(
                f"all training images of {data.name!r} are the same: no class can be told from another; give images "
                "that differ"
            )
        return found

    def found(self, split: Split) -> Sequence[str]:
        """Also what the values mean, and what was passed over or clipped."""
        first, *others = super().found(split)
        values = f", {split.reader.scale.words}" if split.reader else ""
        return [first + values, *others, *split.notes, *(f"left out: {line}" for line in split.left_out)]

    def network(self, model: Any, preprocessing: Any, class_names: tuple[str, ...], shape: tuple[int, ...]) -> Any:
        from evonas.domains.images.network import Network

        return Network(model, preprocessing, class_names, shape)

    def needs(self) -> Mapping[str, str]:
        """Formats of pictures that Pillow cannot read here, each with what teaches it."""
        lacking = {ending: remedy for ending, remedy in ON_CONDITION.items() if ending not in endings()}
        return {f"{ending} pictures": remedy for ending, remedy in lacking.items()}

    def examples(self, split: Split) -> Mapping[str, Any]:
        return drawing.examples(split)

    def shown(self, split: Split, position: int) -> Mapping[str, Any]:
        name = {"name": split.files_test[position]} if split.files_test else {}
        return {"picture": drawing.picture(split.x_test[position]), **name}

    def sections(self, examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return drawing.sections(examples)

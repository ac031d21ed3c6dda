"""Images from a folder: one folder of pictures for each class, at any depth; perhaps in `train`, `val` and `test`."""

from __future__ import annotations

from pathlib import Path

from evonas.core.errors import EvonasError
from evonas.domains.images.collected import collected
from evonas.domains.images.dataset import Images
from evonas.domains.images.source_options import SourceOptions
from evonas.domains.images.walking import Found, files_of, parts_of
from evonas.domains.labels import word


def from_folder(argument: str, *, root: Path | None = None) -> Images:
    """`PATH/CLASS/**`, or `PATH/train/CLASS/**` beside `PATH/test` or `PATH/val`; `PATH?size=48&fit=crop`.

    All pictures below the folder of a class belong to it, linked folders' as well. Hidden folders and what systems
    leave behind are none. The size is chosen from the training pictures (`chosen_size`) unless it is given: so many
    pixels square. Pictures of another shape are padded, cropped or stretched (`Frame`). Grey where every picture is.
    Mirroring is for colour images only. What does not fit in memory is mapped.

    Raises EvonasError, one line, where there is no such folder, no class, or a file that cannot be read.
    """
    options = SourceOptions.of("folder", argument)
    if not options.named or not options.path.is_dir():
        raise EvonasError(f"no folder {options.named!r}; give folder:PATH with one folder of images a class")
    found = Found(options.path)
    files = {part: files_of(folder, found) for part, folder in parts_of(options.path, found).items()}
    for label in sorted({label for _, label in files["train"]}):
        if word(label) != label:
            found.notes.append(f"the name of the folder of class {word(label)} is no UTF-8")
    return collected(files, options, found, word(options.path.resolve().name))

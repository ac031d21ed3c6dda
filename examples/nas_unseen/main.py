"""The challenge's pipeline on one folder: python examples/nas_unseen/main.py FOLDER --seconds 60."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from data_processor import DataProcessor
from nas import NAS
from trainer import Trainer

from evonas.app.timetable import process_age
from evonas.domains.images.npy_metadata import read_metadata

GIVEN = ("train_x", "train_y", "valid_x", "valid_y", "test_x")


class Clock:
    """So many seconds from now on."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def check(self) -> float:
        """Seconds left, of everything; below 0 when it is out."""
        return self.end - time.monotonic()


def main() -> None:
    """Predicts for test_x.npy; the accuracy is printed where test_y.npy is there."""
    parser = argparse.ArgumentParser(description="Search, train and predict on a folder in the challenge's layout.")
    parser.add_argument("folder", type=Path, help="with train_x.npy, train_y.npy, valid_…, test_x.npy, metadata")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the clock, for everything (default: 60)")
    options = parser.parse_args()
    clock, folder = Clock(options.seconds - process_age()), options.folder  # the imports took some
    try:
        metadata = dict(read_metadata(folder / "metadata")) if (folder / "metadata").exists() else {}
        arrays = {name: np.load(folder / f"{name}.npy") for name in GIVEN}
        train, valid, test = DataProcessor(**arrays, metadata=metadata, clock=clock).process()
        model = NAS(train, valid, metadata, clock).search()
    except (OSError, ValueError) as error:  # EvonasError is a ValueError
        sys.exit(f"{folder}: {error}")
    trainer = Trainer(
        model, torch.device("cuda" if torch.cuda.is_available() else "cpu"), train, valid, metadata, clock
    )
    trainer.train()
    predicted = np.array(trainer.predict(test))
    print(f"{len(predicted):,} images predicted, {clock.check():.1f} of {options.seconds:g} seconds left")
    if (folder / "test_y.npy").exists():
        print(f"test accuracy {(predicted == np.load(folder / 'test_y.npy').reshape(-1)).mean():.2%}")


if __name__ == "__main__":
    main()

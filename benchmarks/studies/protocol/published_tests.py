"""Fill in the test accuracy that the package of NAS-Bench-201 lacks, in benchmark runs that are finished.

    python benchmarks/studies/protocol/published_tests.py --published nb201.npz FOLDER

FOLDER is a run of the suite `nasbench201`. No search sees a test, so none needs to be run again: an incumbent's
networks are those of the table with its validation accuracy, and its test is theirs (the mean of the few that share
one). `--published` holds `arch` (15625, 6), codes of `ops` in the order of `evonas.encodings.cell.EDGES`; `datasets`;
`val200` and `test200` (15625, 3), accuracies in percent after 200 epochs, mean over seeds (Dong & Yang 2020, ICLR).
Where its validation accuracies are not the package's it is refused. What is filled in stays when more is run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError
from evonas.encodings.cell import cell_string
from evonas_benchmarks.analysis import reading
from evonas_benchmarks.run.folder import files_of, note, write_whole
from evonas_benchmarks.suites.suite import load_suite
from evonas_benchmarks.tables.packaged import table

SUITE = "nasbench201"
SCRIPT = "benchmarks/studies/protocol/published_tests.py"
CLOSE = 1e-4  # percent: both are 32-bit means of the same figures


def published(path: Path) -> dict[str, dict[float, float]]:
    """Task -> validation accuracy of the package's table -> test accuracy, both 0 to 1.

    Raises EvonasError where the file is not that of this benchmark.
    """
    known, found = table(SUITE), {}
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [str(name) for name in file["ops"]]
            rows = {cell_string([names[code] for code in codes]): row for row, codes in enumerate(file["arch"])}
            places = [rows[genome] for genome in known.genomes]
            for column, task in enumerate(map(str, file["datasets"])):
                ours, theirs = known.values(task), file["val200"][places, column]
                if np.abs(100 * ours - theirs).max() > CLOSE:
                    raise EvonasError(f"{str(path)!r} has other validation accuracies of {task} than the package")
                tests: dict[float, list[float]] = {}
                for value, test in zip(ours.tolist(), file["test200"][places, column].tolist(), strict=True):
                    tests.setdefault(value, []).append(test / 100)
                found[task] = {value: float(np.mean(those)) for value, those in tests.items()}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise EvonasError(f"{str(path)!r} is no table of NAS-Bench-201: {error}") from error
    return found


def fill(folder: Path, tests: dict[str, dict[float, float]]) -> int:
    """Write the test of each trial's incumbent into all benchmark runs that have none; how many those were."""
    filled = 0
    for path in sorted(files_of(folder).glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        if run["rows"] and np.isnan([row["test"] for row in run["rows"]]).all():
            for row in run["rows"]:
                row["test"] = float("nan") if np.isnan(row["best"]) else tests[run["task"]][row["best"]]
            write_whole(path, run)
            filled += 1
    return filled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of finished cells, made by evonas bench run or record.py")
    parser.add_argument("--published", type=Path, required=True, help="npz with arch, ops, datasets, val200, test200")
    options = parser.parse_args()
    try:
        suite = reading.read_suite(options.folder)
        if suite["name"] != SUITE:
            raise EvonasError(f"{str(options.folder)!r} holds a run of {suite['name']!r}; give one of {SUITE!r}")
        filled = fill(options.folder, published(options.published))
        if filled:
            command = f"python {SCRIPT} --published nb201.npz OUT/{options.folder.name}"
            note(options.folder, command, load_suite(SUITE).description)
        print(f"filled in the test of {filled:,} benchmark runs")
    except EvonasError as error:
        sys.exit(f"published_tests: {error}")


if __name__ == "__main__":
    main()

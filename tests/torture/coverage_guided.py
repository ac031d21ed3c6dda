"""A fuzzer that goes where the code has branches (atheris, libFuzzer) over one parser of the table.

    python -m tests.torture.coverage_guided FOLDER "a suite" -runs=2000

It begins with the parser's valid inputs, changes them as the other tests do or as libFuzzer would, and ends with exit
code 0 after so many runs; with another one, and the input in FOLDER, where the parser raised what it must not.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from random import Random
from typing import Any

import atheris as _atheris  # pyright: ignore[reportMissingImports]

fuzzer: Any = _atheris
with fuzzer.instrument_imports(
    include=["evonas", "evonas_surrogates", "evonas_benchmarks"], enable_loader_override=False
):
    from tests.torture.mutations import changed
    from tests.torture.parsers import TABLE

LONGEST = 300_000  # bytes of an input: an archive with a few trials is a third of that


def main(folder: Path, name: str, *options: str) -> None:
    logging.disable()
    warnings.simplefilter("ignore")
    parser = next(one for one in TABLE if one.name == name)
    opened = parser.opened(folder / "in")
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(opened.seeds):
        (corpus / str(number)).write_bytes(seed)

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        rng = Random(seed)
        if rng.randrange(4) == 0:
            return fuzzer.Mutate(data, longest)
        return changed(rng, [bytes(data), *opened.seeds], parser.kinds)[:longest]

    def once(data: bytes) -> Any:
        opened.tried(bytes(data))

    kept = f"-artifact_prefix={folder}/"
    words = [sys.argv[0], str(corpus), kept, f"-max_len={LONGEST}", "-timeout=120", "-rss_limit_mb=8192", *options]
    fuzzer.Setup(words, once, custom_mutator=mutated)
    fuzzer.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

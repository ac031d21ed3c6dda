"""The table of all parsers of evonas: what each reads, valid inputs, and how they are made wrong.

A new parser joins by a line in `TABLE`. A parser may read an input or raise an EvonasError of one line; whatever else
it raises is a fault of the product.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from evonas.core.errors import EvonasError
from tests.torture import mutations as by
from tests.torture import reading_data as data
from tests.torture import reading_files as files
from tests.torture import reading_words as words

LONGEST = 10.0  # seconds that an input may take, on a busy machine
ROOM = 3 * 2**30  # bytes that reading may allocate beyond what the process has
PIXELS = 2**22  # Pillow's limit, which is 40 times larger otherwise: a picture of that size is decoded for seconds
READ, REFUSED = "read", "refused in words"


@dataclass(frozen=True)
class Parser:
    """`seeds` makes what stands beside the input in a folder and gives valid inputs; `read` gets the path of the file
    that the input is in, or where `file` is empty the input as text."""

    name: str
    file: str
    kinds: Sequence[by.Kind]
    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Any], Any]

    def opened(self, folder: Path) -> Opened:
        folder.mkdir(parents=True, exist_ok=True)
        return Opened(self, folder, self.seeds(folder))


@dataclass(frozen=True)
class Opened:
    """A parser in its folder."""

    parser: Parser
    folder: Path
    seeds: Sequence[bytes]

    def tried(self, given: bytes) -> str:
        """What came of it. Raises AssertionError where it was refused in no good words, or took too long; and whatever
        else the parser raises."""
        with limited_memory():
            began = time.monotonic()
            outcome = self._outcome(given)
            assert time.monotonic() - began < LONGEST, "it took too long"
        return outcome

    def _outcome(self, given: bytes) -> str:
        if self.parser.file:
            target: Any = self.folder / self.parser.file
            if target.is_dir():
                shutil.rmtree(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # a file of its own, for the last one may be mapped still
            target.write_bytes(given)
        else:
            target = given.decode("utf-8", "surrogateescape")
        try:
            self.parser.read(target)
        except EvonasError as error:
            said = str(error)
        else:
            return READ
        assert said, "the message says nothing"
        assert said.isprintable(), f"the message has several lines, or means something to a terminal: {said[:500]!r}"
        assert len(said) < 20_000, f"the message has {len(said):,} letters: {said[:500]!r}"
        return REFUSED


@contextmanager
def limited_memory() -> Iterator[None]:
    """Whoever believes a file that says how large it is gets a MemoryError instead of the machine's memory."""
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # not of this system
        yield
        return
    before, pixels = resource.getrlimit(resource.RLIMIT_AS), Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = PIXELS
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        Image.MAX_IMAGE_PIXELS = pixels


RAW, TEXT = (by.raw,), (by.text, by.text, by.raw)
JSON, TOML = (by.in_json, by.in_json, by.text, by.raw), (by.in_toml, by.in_toml, by.text, by.raw)
NPY, NPZ = (by.in_npy, by.raw), (by.in_npz, by.in_npz, by.raw)
TENSORS, SQLITE = (by.in_safetensors, by.in_safetensors, by.raw), (by.in_sqlite, by.in_sqlite, by.in_sqlite, by.raw)

TABLE = (
    Parser("a configuration", "c.toml", TOML, files.configurations, files.read_configuration),
    Parser("a suite", "s.toml", TOML, files.suites, files.read_suite),
    Parser("a genome to start with", "genome.json", JSON, files.starts, files.read_start),
    Parser("genome.json of a network", "genome.json", JSON, files.networks, files.read_network),
    Parser("weights of a network", "model.safetensors", TENSORS, files.weights, files.read_network),
    Parser("result.json of a folder", "result.json", JSON, files.results, files.read_result),
    Parser("a model of a surrogate", "m.safetensors", TENSORS, files.models, files.read_model),
    Parser("a checkpoint", "key.safetensors", TENSORS, files.checkpoints, files.read_checkpoint),
    Parser("a memory in Parquet", "m.parquet", (by.in_parquet, by.raw), files.memories, files.read_memory),
    Parser("an archive", "a.db", SQLITE, files.archives, files.read_archive),
    Parser("an archive, shown", "a.db", SQLITE, files.archives, files.show_archive),
    Parser("a benchmark run", "benchmark_runs/t.json", JSON, files.benchmark_runs, files.read_benchmark_run),
    Parser("suite.json of benchmark runs", "suite.json", JSON, files.identities, files.read_identity),
    Parser("commands of benchmark runs", "runs.jsonl", JSON, files.commands, files.read_commands),
    Parser("what is trusted", "trusted.json", JSON, files.trusted, files.read_trusted),
    Parser("a table of latencies", "latencies.json", JSON, files.latencies, files.read_latencies),
    Parser("what a search is at", "said.json", JSON, files.saids, files.read_said),
    Parser("a table of benchmarks in CSV", "t.csv", TEXT, data.frames, data.read_frame),
    Parser(
        "a table of benchmarks in Parquet",
        "t.parquet",
        (by.in_parquet, by.raw),
        data.frames_in_parquet,
        data.read_frame,
    ),
    Parser("npz: images", "x.npz", NPZ, data.image_arrays, data.source("npz")),
    Parser("npz: series", "x.npz", NPZ, data.series_arrays, data.source("series")),
    Parser("npy: images", "train_x.npy", NPY, data.challenge_images, data.folder_of("npy")),
    Parser("npy: labels", "train_y.npy", NPY, data.challenge_labels, data.folder_of("npy")),
    Parser("npy: metadata", "metadata", JSON, data.challenge_metadata, data.folder_of("npy")),
    Parser("csv: of images", "l.csv", TEXT, data.lists, data.source("csv")),
    Parser("folder: pictures", "photos/a/1.png", RAW, data.photos, data.folder_of("folder", 2)),
    Parser("tars: samples", "t.tar", RAW, data.tars, data.source("tars")),
    Parser("hf: Parquet", "hub/t.parquet", (by.in_parquet, by.raw), data.hub_tables, data.folder_of("hf")),
    Parser("hf: saved tables", "saved/data.arrow", RAW, data.saved_tables, data.folder_of("hf")),
    Parser("hf: saved state", "saved/state.json", JSON, data.saved_states, data.folder_of("hf")),
    Parser("ucr: .ts", "x.ts", TEXT, data.ts, data.source("ucr")),
    Parser("ucr: .tsv", "x.tsv", TEXT, data.tsv, data.source("ucr")),
    Parser("groups", "groups.csv", TEXT, data.groups, data.read_groups),
    Parser("pictures to predict", "1.png", RAW, data.pictures, data.predicted),
    Parser("arrays to predict", "1.npy", NPY, data.arrays, data.predicted),
    Parser("a spec", "", TEXT, words.specs, words.read_spec),
    Parser("a method", "", TEXT, words.methods, words.read_method),
    Parser("objectives and limits", "", TEXT, words.goals, words.read_goal),
    Parser("a duration", "", TEXT, words.durations, words.read_duration),
    Parser("a run's name", "", TEXT, words.names, words.read_name),
    Parser("options of a source", "", TEXT, words.sources, words.read_source),
    Parser("an archive's place", "", TEXT, words.places, words.read_place),
    Parser("metrics of one's own and trackers", "", TEXT, words.metrics, words.read_metric),
    Parser("a command line", "", TEXT, words.lines, words.read_line),
)

"""Large archives, long searches, many pictures: nothing is lost, and memory stays within its bounds. Times are measured
by benchmarks/studies/speed/size.py."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from studies.speed import size

from evonas.memory.archive import Archive
from tests.torture.counted import counted

SMALL, LARGE = 20_000, 1_000_000


@counted("A large archive: opened, its history read", quick=0, share=1, full=2, part=1)
def test_an_archive_of_any_size_is_read_within_bounds(times, tally, tmp_path):
    for k in times:
        evaluations = LARGE if k else SMALL
        size.fill(tmp_path / "archive.db", evaluations)
        assert sum(Archive(tmp_path / "archive.db").counts().values()) == evaluations
        found = size.alone(size.of_archive, tmp_path / "archive.db")
        assert found["runs"] == size.RUNS
        assert found["rows"] > 10_000
        assert found["grown"] < 500
        tally()


@counted("A long search on a task that takes no time", quick=0, share=2, full=4, part=1)
@pytest.mark.timeout(3000)
def test_a_search_of_many_trials_needs_no_more_memory(times, tally):
    for k in times:
        method = ("evolution", "evolution+meta")[k % 2]
        trials = ((2_000, 300), (100_000, 3_000))[k // 2][k % 2]
        found = size.alone(size.of_trials, method, trials)
        assert found["grown"] < 200
        tally()


@counted("A folder of many pictures", quick=0, share=1, full=2, part=1)
def test_pictures_are_read_within_bounds(times, tally, tmp_path):
    for k in times:
        pictures = 100_000 if k else 2_000
        size.draw(tmp_path / "pictures", pictures)
        found = size.alone(size.of_pictures, tmp_path / "pictures", pictures)
        assert found["grown"] < 400 + pictures * 32 * 32 * 3 * 4 / size.MB
        tally()


TIMES, ROOM, SIDE = 3, 1200, 256  # MB that a process may take besides what its libraries do; pixels of a side
LIMITED = """
import re, resource, sys
from pathlib import Path
import torch, sklearn.ensemble, torchvision
from evonas.app.cli import main
own = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (own + int(sys.argv.pop(1)) * 10**6,) * 2)
main()
"""


@counted("A folder of pictures larger than the memory", quick=0, share=0, full=1)
@pytest.mark.skipif(sys.platform != "linux", reason="the memory that a process may take is limited on Linux only")
def test_pictures_that_do_not_fit_into_the_memory_are_searched(times, tally, tmp_path):
    """Their values take three times what the process may: they are mapped, not held."""
    pictures = TIMES * ROOM * 10**6 // (SIDE * SIDE * 3)
    rng = np.random.default_rng(0)
    for kind in range(4):
        (tmp_path / "p" / f"c{kind}").mkdir(parents=True)
        for k in range(50):  # each many times, by links
            shade = rng.integers(0, 256 // (1 + kind), (16, 16, 3), dtype=np.uint8)
            file = tmp_path / f"{kind}-{k}.jpg"
            Image.fromarray(shade).resize((SIDE, SIDE)).save(file)
            for i in range(k, pictures // 4, 50):
                os.link(file, tmp_path / "p" / f"c{kind}" / f"{i}.jpg")
    words = [sys.executable, "-c", LIMITED, str(ROOM), "search", "--data", f"folder:{tmp_path / 'p'}?size={SIDE}"]
    words += ["--trials", "1", "--epochs", "1", "--train-size", "100", "--out", str(tmp_path / "out")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    archive = ["--archive", str(tmp_path / "archive.db"), "--encoding", "net"]
    for _ in times:
        found = subprocess.run([*words, *archive], env=environment, capture_output=True, text=True, timeout=1500)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "mapped from files" in found.stdout
        assert (tmp_path / "out" / "model.safetensors").exists()
        tally("searched")

"""Large archives, long searches, many pictures: nothing is lost, and memory stays within its bounds. Times are measured
by benchmarks/studies/speed/size.py."""

import pytest
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

"""Disks that get full, or cannot be written: refused in a line, and nothing that was finished is lost."""

import contextlib
import random
import shutil
import subprocess

from evonas.memory.archive import Archive
from tests.commands import evonas
from tests.torture.command import SEARCH
from tests.torture.counted import counted
from tests.torture.outcome import outcome
from tests.torture.processes import archive_of, only_root, refused


@contextlib.contextmanager
def disk(folder, size, fill=False):
    """A disk of so many kB; yields what changes how it is mounted."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder)], check=True)
    try:
        if fill:
            with contextlib.suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        yield lambda how: subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


PLACES = ("archive", "results", "log")


@only_root
@counted("disk full under a search", quick=0, share=12, full=60, part=12)
def test_a_disk_that_gets_full(times, tally, tmp_path, commands, done):
    """In its archive, its results or its log; given room, the search goes on to what it would have been."""
    wanted = outcome(done)
    for seed in times:
        rng, place, folder = random.Random(seed), PLACES[seed % 3], tmp_path / str(seed)
        folder.mkdir()
        size = {"archive": int(rng.uniform(40, 300)), "results": int(10 ** rng.uniform(1.5, 3.5)), "log": 4}[place]
        with disk(folder / "small", size, fill=place == "log") as mount:
            archive = folder / ("small" if place == "archive" else ".") / "archive.db"
            (folder / "runs").mkdir()
            if place == "results":
                (folder / "runs").rmdir()
                (folder / "runs").symlink_to(folder / "small")
            log = ("--log", folder / "small" / "log.txt") if place == "log" else ()
            at = {"cwd": folder, "EVONAS_ARCHIVE": str(archive)}
            started = commands.start(*SEARCH, "--name", "r", *log, **at)
            code = started.wait()
            said = started.said.count("\ntrial ")
            if code == 0:
                outcome_is = "ends all the same"
                if place == "log":
                    assert "ends here" in started.complained
                    assert len(started.complained.splitlines()) == 1
            else:
                outcome_is = "refused in a line, and goes on when there is room"
                line = refused(started, code)
                assert any(words in line for words in ("full", "No space left", "disk I/O error")), line
            mount("size=50000k")
            begun = archive.exists() and Archive(archive).runs()
            assert begun or not said
            kept = Archive(archive).trials("r") if begun else []
            assert len(kept) >= said, "a trial that was shown is not kept"
            commands.start(*(("resume", "r") if begun else (*SEARCH, "--name", "r")), **at).finish()
            assert Archive(archive).trials("r")[: len(kept)] == kept
            found = outcome(folder, archive)
            assert (found["files"], found["trials"]) == (wanted["files"], wanted["trials"])
            noted = found["result"].pop("notes") if "model.pt2" not in found["there"] else None
            assert {name: wanted["result"][name] for name in found["result"]} == found["result"]
            assert noted is None or any("model.pt2 was not written: No space left" in line for line in noted), noted
            tally(f"{place}: {outcome_is}")


ON_A_FULL_DISK = (
    ("report", "r", "--out", "small/o"),
    ("export", "r", "--out", "small/o"),
    ("export", "r", "--format", "onnx,standalone", "--out", "small/o"),
    ("export", "r", "--format", "torch.export", "--out", "small/o"),
    ("memory", "export", "small/x.parquet"),
    ("runs", "move", "r", "small/o"),
    ("predict", "r", "x.npy", "--out", "small/x.csv"),
    ("surrogate", "fit", "--encoding", "net", "--out", "small/x.safetensors"),
    ("data", "make", "words", "--images", "200", "--root", "small"),
)


@only_root
@counted("disk full under a command", quick=0, share=9, full=54, part=18)
def test_a_command_on_a_full_disk(times, tally, tmp_path, commands, done):
    for seed in times:
        words = ON_A_FULL_DISK[seed % len(ON_A_FULL_DISK)]
        size = 0 if seed < len(ON_A_FULL_DISK) else random.Random(seed).randrange(4, 200)
        folder = tmp_path / str(seed)
        shutil.copytree(done, folder, ignore=shutil.ignore_patterns("archive.db-*", "archive.db@*"))
        with disk(folder / "small", size or 4, fill=not size):
            started = commands.start(*words, cwd=folder, **archive_of(folder))
            code = started.wait()
            if code == 0 and size:
                tally("done, for there was room")
                continue
            line = refused(started, code)
            assert "No space left" in line, line
            assert size or {path.name for path in (folder / "small").rglob("*") if path.is_file()} == {"fill"}
            assert (folder / "runs" / "r" / "model.safetensors").exists()
            tally("refused in a line")


@only_root
@counted("read-only archive", quick=0, share=5, full=5)
def test_a_read_only_archive(times, tally, tmp_path, commands, done):
    """It is read, and what would write to it says that it cannot."""
    with disk(tmp_path / "small", 20_000) as mount:
        for path in done.glob("archive.db"):
            shutil.copy(path, tmp_path / "small" / "archive.db")
        mount("ro")
        for seed in times:
            words, right = (
                ((*SEARCH, "--name", "q"), 2),
                (("resume", "r", "--trials", "40"), 2),
                (("runs", "delete", "r", "--yes"), 2),
                (("runs", "show", "r"), 0),
                (("memory", "list"), 0),
            )[seed % 5]
            started = commands.start(*words, cwd=tmp_path, EVONAS_ARCHIVE=str(tmp_path / "small" / "archive.db"))
            code = started.wait()
            assert code == right, started.complained
            if code:
                assert "cannot be written" in refused(started, code)
            tally("refused in a line" if code else "read")


@only_root
def test_a_set_that_is_made_on_a_disk_with_room_for_half_of_it(tmp_path):
    """Found by the long run: a mapped file ended the process by a bus error."""
    with disk(tmp_path / "small", 137):
        done = evonas("data", "make", "words", "--images", "200", "--root", "small", cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "evonas: 'small/words' cannot be written: No space left on device; give another --root"
    ]

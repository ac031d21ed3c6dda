"""What a search of the command line came to, to be held beside another's."""

import json

from evonas.memory.archive import Archive
from tests.torture import toy

TIMED = ("seconds", "cost", "train_ms")


def outcome(folder, archive=None):
    """All that a run came to, but for times."""
    runs = folder / "runs" / "r"
    values = json.loads((runs / "result.json").read_text(encoding="utf-8"))
    files = {name: (runs / name).read_bytes() for name in ("genome.json", "model.safetensors")}
    there = {path.name for path in runs.iterdir() if not path.name.startswith(".")}
    kept = Archive(archive or folder / "archive.db").trials("r")
    trials = [{**vars(one), "metrics": dict(one.metrics)} for *_, one in toy.what(kept)]
    return {"result": without_times(values), "files": files, "there": there, "trials": without_times(trials)}


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name not in TIMED}
    return [without_times(one) for one in value] if isinstance(value, list) else value

"""What a search leaves: the best network, trained in full, and `result.json`, `report.html` beside it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evonas.core.errors import EvonasError
from evonas.core.types import Trial

if TYPE_CHECKING:
    from evonas.app.job import Job
    from evonas.domains.network import Network


@dataclass(frozen=True)
class Result:
    """A finished search: its folder, and what `result.json` holds."""

    folder: Path
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def load(self) -> Network:
        """The best network in eval mode, as `evonas.load(folder)` gives it."""
        from evonas.domains.export import load

        return load(self.folder)


def finish(job: Job, trials: Sequence[Trial], reason: str, folder: Path, *, memory: Sequence[str] = ()) -> Result:
    """Train the best network in full, touch the test set once, export, report. Works without a good trial too."""
    best = job.goal.best(trials)
    values = summary(job, trials, reason) | {"memory": list(memory), "examples": dict(job.domain.examples(job.data))}
    folder.mkdir(parents=True, exist_ok=True)
    if best is not None:
        genome = best.evaluation.candidate.genome
        found = job.domain.finish(job.trainer, genome, job.config.encoding, job.config.seed, folder)
        values |= {**found, "seconds": values["seconds"] + found.get("seconds", 0.0)}
    write_report(job, trials, values, folder)
    text = json.dumps(values, indent=2, ensure_ascii=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    return Result(folder, values)


def summary(job: Job, trials: Sequence[Trial], reason: str) -> dict[str, Any]:
    """What `result.json` holds, as far as it is known before the best network is trained in full."""
    best = job.goal.best(trials)
    return {
        "run": job.name,
        "task": job.data.task.name,
        "encoding": job.config.encoding,
        "method": job.config.method,
        "surrogate": job.config.surrogate,
        "seed": job.config.seed,
        "trials": counted(trials),
        "failed": sum(trial.evaluation.status == "failed" for trial in trials),
        "seconds": trials[-1].elapsed if trials else 0.0,
        "val_accuracy": best.evaluation.metrics.get("val_accuracy") if best else None,
        "test_accuracy": None,
        "params": None,
        "flops": None,
        "genome": best.evaluation.candidate.genome if best else None,
        "best_trial": best.number if best else None,
        "reason": reason,
        "device": job.record.device,
        "evonas": job.record.versions.get("evonas"),
    }


def write_report(job: Job, trials: Sequence[Trial], values: Mapping[str, Any], folder: Path) -> Path:
    """`report.html` in `folder`, made from what the archive holds."""
    from evonas import report

    run = {**vars(job.record), "task": vars(job.record.task)}
    path = folder / "report.html"
    report.write_report(
        path,
        run=run,
        trials=trials,
        result=values,
        encoding=job.encoding,
        goal=job.goal,
        sections=[
            *job.domain.sections(values.get("examples") or {}),
            *report.sections(job.record, trials, job.encoding, job.archive, job.goal),
        ],
    )
    return path


def counted(trials: Sequence[Trial]) -> int:
    return sum(trial.evaluation.status != "absent" for trial in trials)


def check_folder(folder: Path, name: str) -> None:
    """Refuse a folder that cannot be written or holds another run's results."""
    if folder.exists() and not folder.is_dir():
        raise EvonasError(f"--out {str(folder)!r} is a file; give a folder")
    parent = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):  # asking for permission is not enough where root may do all
            pass
    except OSError as error:
        raise EvonasError(f"--out {str(folder)!r} cannot be written: {error.strerror}; give another folder") from error
    result = folder / "result.json"
    if result.exists():
        try:
            other = json.loads(result.read_text(encoding="utf-8")).get("run")
        except (ValueError, AttributeError):
            other = "something else"
        if other != name:
            raise EvonasError(f"--out {str(folder)!r} holds the results of {other!r}; give another folder")

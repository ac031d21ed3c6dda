"""How many trainings run at the same time: so many processes, and so many together in each."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.app.config import SearchConfig
from evonas.app.preparation import Job
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal

PEAK = "peak_memory_mb"


def check_workers(job: Job) -> None:
    """Raises EvonasError where options conflict: before anything is said of the search, or measured for it."""
    config = job.config
    if config.per_device is not None and (config.workers > 1 or config.executor != "processes"):
        other = f"--workers {config.workers}" if config.workers > 1 else f"--executor {config.executor!r}"
        raise EvonasError(f"--per-device {config.per_device} and {other} exclude one another; give one")
    if config.together != 1:
        _refuse(config, job.goal, job.trainer.device)


def workers(job: Job) -> int:
    """Processes: as many as were asked for, or so many on each device."""
    config = job.config
    if config.per_device is None:
        return config.workers
    number = config.per_device
    if number == "auto":
        from evonas.training.sharing import per_device

        number = per_device(job.trainer, _some_genome(job), config.seed)
    return number * len(job.trainer.devices())


def together(job: Job) -> dict[str, int]:
    """Trainings in each process, as an option of the executor; none where they do not share one, which is all that
    other executors know."""
    config = job.config
    if config.together == 1:
        return {}
    number = config.together
    if number == "auto":
        from evonas.training.sharing import together

        number = together(job.trainer, _some_genome(job), config.seed)
    return {"together": number}


def _refuse(config: SearchConfig, goal: Goal, device: str) -> None:
    asked = f"--together {config.together}"
    if config.executor != "processes":
        raise EvonasError(f"{asked} and --executor {config.executor!r} exclude one another; give one")
    if "auto" in (config.together, config.per_device) and config.per_device is not None:
        raise EvonasError(
            f"{asked} and --per-device {config.per_device} exclude one another: one is measured with the other left "
            "out; give two numbers, or one option"
        )
    if device.startswith("cuda") and PEAK in goal.metrics:  # counted by the device, for all that it does
        raise EvonasError(
            f"{asked} and a search that looks at {PEAK!r} exclude one another on CUDA, where it is measured of all "
            "that a process trains; give --together 1"
        )


def _some_genome(job: Job) -> Any:
    return job.encoding.sample(np.random.default_rng(job.config.seed))

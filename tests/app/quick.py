"""`evonas.search` without what takes longest at its end: the report and the program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evonas.app.config import SearchConfig, specs
from evonas.app.job import carry_out, go_on
from evonas.app.metrics import written
from evonas.app.objects import apart, spec_of
from evonas.app.preparation import prepare, prepare_resume
from evonas.app.results import Result
from evonas.core import trust
from evonas.domains.domain import domain_named


def search(
    x: Any, y: Any, *, domain: str = "images", metrics: Any = None, callbacks: Any = (), **options: Any
) -> Result:
    texts, objects = written(metrics, spec_of)
    options, parts = apart(options)
    trust.given(*specs({**options, "metrics": texts}))
    config = SearchConfig.make({"data": "memory", **options, "metrics": texts})
    job = prepare(config, data=domain_named(domain).from_arrays(x, y, name="memory"), metrics=objects, objects=parts)
    return carry_out(replace(job, extras=False), callbacks)


def resume(name: str, **given: Any) -> Result:
    return go_on(replace(prepare_resume(name, **given), extras=False))

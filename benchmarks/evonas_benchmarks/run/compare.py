"""Several methods on one data set with several seeds, by real training: `evonas compare`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from evonas.app.config import SearchConfig
from evonas.app.limits import obeying, within
from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal
from evonas.core.optional import canonical_form
from evonas.core.specs import mentioned
from evonas.core.trust import given, locate
from evonas.search.limits import Costs
from evonas.search.methods import check_method, make_method
from evonas_benchmarks.run import folder
from evonas_benchmarks.run.comparison import Comparison
from evonas_benchmarks.run.plan import BenchmarkRun
from evonas_benchmarks.run.search import Row, as_json, search
from evonas_benchmarks.run.sharing import SharedTrainings

KNOWN = ("params", "flops", "model_kb")  # before training
SEEDS = range(7)  # as many as the signed-rank test takes to show a win among three methods


def compare(
    methods: Sequence[str],
    *,
    trials: int = 20,
    seeds: Sequence[int] = SEEDS,
    out: Path | None = None,
    advance: Callable[[str, int], None] | None = None,
    command: str = "evonas_benchmarks.run.compare.compare(…)",
    **options: Any,
) -> Comparison:
    """Run every method with every seed; a network that several suggest with one seed is trained once.

    Args:
        methods: `SEARCHER` or `SEARCHER+RANKER`, at least two that differ.
        out: keeps every finished benchmark run and training; what is there already is not done again, as long as the
            data, the options and the code of a user's own parts are the same. Nothing is kept without it.
        advance: called with method and seed after each trial.
        command: noted in `out` as the way in which it was made.
        options: those of `evonas search`: `data`, `encoding`, `epochs`, `train_size`, `device`, `workers`, …

    Raises EvonasError where a name or an option is not valid, before anything is trained, or `out` holds
    something else.
    """
    bench = Bench(methods, trials, seeds, options)
    if out is not None:
        bench.claim(out, command)
    return bench.run(out, advance)


@dataclass
class _Training:
    """What the methods of a seed share; the trainer is made when the first network is to be trained."""

    task: Any
    executor: Callable[[], SharedTrainings]


class Bench:
    """What all benchmark runs of a comparison share: data, encoding and memory. Raises EvonasError."""

    def __init__(self, methods: Sequence[str], trials: int, seeds: Sequence[int], options: Mapping[str, Any]):
        from evonas.domains.domain import domain_named, load_data
        from evonas.encodings.make import make_encoding

        if len(set(methods)) < max(2, len(methods)):
            raise EvonasError(f"methods {','.join(methods)!r} are no comparison; give two or more that differ")
        if len(set(seeds)) < max(1, len(seeds)):
            raise EvonasError(f"seeds {list(seeds)} repeat themselves or are none")
        for option in ("deadline", "seconds"):
            if options.get(option) is not None:
                raise EvonasError(f"{option}={options[option]!r} is no option of a comparison: its budget is trials")
        given(*methods, *(value for value in options.values() if isinstance(value, str)))
        self.config = SearchConfig.make({**options, "trials": trials, "surrogate": "none"})
        for method in methods:
            check_method(method)
        self.methods, self.trials, self.seeds = methods, trials, seeds
        self.goal = Goal.parse(self.config.objectives, self.config.limits)
        for one in self.goal.constraints:
            if one.name not in KNOWN:
                raise EvonasError(
                    f"--limit {one} is no limit of a comparison, all of whose networks keep them: it has to be known "
                    f"before training; there are {choices(KNOWN)}"
                )
        self.data = load_data(self.config.data, root=Path(self.config.root) if self.config.root else None)
        self.domain = domain_named(self.data.domain)
        self.encoding_name = self.config.encoding or self.domain.encoding
        self.encoding = make_encoding(self.encoding_name)
        self.store = self._memory() if any("+" in method for method in methods) else None
        self._splits: dict[int, Any] = {}

    def _memory(self) -> Any:
        """What the archive holds now, for methods that remember; a comparison itself leaves no trace there."""
        from evonas.memory.archive import Archive

        return Archive(self.config.archive)

    def split(self, seed: int) -> Any:
        if seed not in self._splits:
            self._splits = {seed: self.domain.split(self.data, seed=seed, train_size=self.config.train_size)}
        return self._splits[seed]

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the result of a benchmark run, besides its method, its seed and its trials."""
        config = self.config
        chosen = {key: getattr(config, key) for key in ("epochs", "train_size", "executor", "workers", "timeout")}
        return {
            "name": f"compare {config.data}",
            "data": _digest(self.split(self.seeds[0]).task.fingerprint or config.data),
            "encoding": self.encoding_name,
            "objectives": str(self.goal),
            "code": _code(self.encoding_name, config.data, config.executor),
            **chosen,
        }

    @property
    def default_folder(self) -> Path:
        """The same for the same comparison, also with more methods, seeds or trials."""
        words = re.sub(r"\W+", "-", self.config.data.rpartition("/")[2]).strip("-")[:40]
        return Path("bench") / f"compare-{words}-{_digest(json.dumps(self.identity))[:8]}"

    def claim(self, out: Path, command: str) -> None:
        """Begin or open the folder; nothing is written where an option is not valid."""
        split = self.split(self.seeds[0])
        self._executor(split, self.seeds[0])
        for method in self.methods:
            make_method(method, self._context(split.task, self.seeds[0], self.encoding))
        folder.claim(out, self.identity)
        folder.note(out, command, f"Several methods on {self.config.data}, by real training")

    def run(self, out: Path | None, advance: Callable[[str, int], None] | None = None) -> Comparison:
        """Every method with every seed; what `out`, once claimed, keeps already is read."""
        comparison = Comparison(self.goal.first, self.trials)
        for seed in self.seeds:
            with self.trainings(seed, out) as training:
                for method in self.methods:
                    rows, networks = self.one(method, seed, training, out, advance)
                    comparison.rows[method, seed], comparison.networks[method, seed] = rows, networks
        return comparison

    @contextmanager
    def trainings(self, seed: int, out: Path | None) -> Iterator[_Training]:
        """The trainings of a seed, kept in the folder; a trainer is made when there is something to train."""
        split, opened = self.split(seed), []

        def executor() -> SharedTrainings:
            if not opened:
                inner = self._executor(split, seed)
                path = out / folder.TRAININGS / f"{seed}.jsonl" if out else None
                inner.__enter__()
                opened.append((inner, SharedTrainings(inner, canonical_form(self.encoding), path)))
            return opened[0][1]

        try:
            yield _Training(split.task, executor)
        finally:
            for inner, _ in opened:
                inner.__exit__(None, None, None)

    def _executor(self, split: Any, seed: int) -> Any:
        """What evaluates, not begun. Raises EvonasError where the encoding, a device or an option is not valid."""
        from evonas.domains.domain import TrainingOptions
        from evonas.training.latency import with_latency

        config = self.config
        self.domain.check(self.encoding, split.task, np.random.default_rng(seed))
        trainer = self.domain.trainer(self.encoding, split, TrainingOptions(config.epochs, config.device))
        evaluator = with_latency(trainer, self.goal)
        return plugins.make("evonas.executors", config.executor, evaluator, config.workers, config.timeout)

    def one(
        self,
        method: str,
        seed: int,
        training: _Training,
        out: Path | None,
        advance: Callable[[str, int], None] | None,
    ) -> tuple[list[Row], list[str]]:
        """The rows of a benchmark run and the keys of its networks: kept ones, or new ones, which are kept at once."""
        one = BenchmarkRun(training.task.name, method, seed)
        made_of = {"code": _code(method), "memory": self._known() if "+" in method else ""}
        kept = folder.load(out, one, self.trials) if out else None
        if kept is not None and all(kept.get(key) == value for key, value in made_of.items()):
            rows = [Row(**{key: row[key] for key in Row.__dataclass_fields__}) for row in kept["rows"][: self.trials]]
            for _ in rows if advance else ():
                advance(method, seed)  # type: ignore[misc]
            return rows, kept["networks"][: len(rows)]
        executor = training.executor()
        before = len(executor.suggested)
        encoding, proposals = within(self.encoding, self._costs(training.task))
        context = self._context(training.task, seed, encoding)
        rows, trials = search(
            obeying(make_method(method, context), self.goal, proposals),
            executor,
            training.task,
            self.goal,
            seed=seed,
            trials=self.trials,
            advance=(lambda: advance(method, seed)) if advance else None,
        )
        networks = executor.suggested[before:]
        if out is not None:
            found = as_json(rows, trials, self.goal.first)
            found["rows"] = [{**row, "regret": float("nan")} for row in found["rows"]]
            folder.store(out, one, {"trials": self.trials, **made_of, "networks": networks, **found})
        return rows, networks

    def _context(self, task: Any, seed: int, encoding: Any) -> SearchContext[Any]:
        return SearchContext(encoding, self.goal, task, self.store, seed, self.encoding_name)

    def _costs(self, task: Any) -> Costs[Any] | None:
        """What is limited of the networks for a task."""
        from evonas.training.profile import costs_at_once

        names = [one.name for one in self.goal.constraints]

        def count(genome: Any, of: Sequence[str]) -> Mapping[str, float]:
            return costs_at_once(self.encoding, genome, task, of)

        return Costs(self.goal, names, count, self.encoding) if names else None

    def _known(self) -> str:
        """What the memory knows, in short: with more in it, a method that remembers begins otherwise."""
        return _digest(json.dumps(sorted(self.store.counts().items()))) if self.store is not None else ""


def _code(*specs: str) -> str:
    """The content of the files that specs name; the same where they name installed parts alone."""
    found = {code.key for spec in specs for part in mentioned(spec) if (code := locate(part)) is not None}
    return _digest(json.dumps(sorted(found))) if found else ""


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]

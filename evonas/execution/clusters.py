"""Many machines: Ray, Dask, or any `concurrent.futures.Executor` (submitit's, say).

The evaluator, and with it the data, reaches a worker once. A node that dies takes no trial with it: the trial is run
again elsewhere, once or twice, and then it is a failed evaluation with the reason.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any
from uuid import uuid4

from evonas.core import plugins
from evonas.core.errors import EvonasError, first_line, named_line
from evonas.core.surroundings import unchanged
from evonas.core.types import Candidate, Evaluation, Evaluator, Task
from evonas.execution.guarded import guarded


class Pool:
    """Any `concurrent.futures.Executor`, at most `workers` trials at a time.

    The evaluator travels with every trial here: an executor has no other way. Subclasses know a better one.
    """

    def __init__(self, evaluator: Evaluator, workers: int = 1, timeout: float | None = None, *, executor: Executor):
        self.slots = workers
        self.timeout = timeout
        self._evaluator = evaluator
        self._executor = executor
        self._begun: dict[str, float] = {}  # ticket -> when a worker began with it, by this process's clock

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        """A future that never raises, and that is done at the latest when its evaluation has taken the timeout.

        The time counts from where a worker began with it: what waits for a free one is not late.
        """
        outer: Future[Evaluation] = Future()
        ticket = uuid4().hex
        inner, cancel = self._start(ticket, candidate, task, seed)
        inner.add_done_callback(lambda future: _settle(outer, _outcome(future, candidate)))
        if self.timeout:
            self._watch(outer, ticket, inner, cancel, candidate, self.timeout)
        return outer

    def _watch(
        self,
        outer: Future[Evaluation],
        ticket: str,
        inner: Future[Evaluation],
        cancel: Callable[[], Any],
        candidate: Candidate,
        limit: float,
    ) -> None:
        """Look again and again how long an evaluation has run, until it is done or has run for too long."""
        if outer.done():
            return
        age = self._age(ticket, inner)
        if age is not None and age >= limit:
            _settle(outer, Evaluation.failure(candidate, f"timeout: took longer than {limit:g} s", limit))
            cancel()
            return
        wait = min(1.0, limit / 5) if age is None else limit - age + 0.01
        timer = threading.Timer(wait, self._watch, (outer, ticket, inner, cancel, candidate, limit))
        timer.daemon = True
        timer.start()

    def _start(
        self, ticket: str, candidate: Candidate, task: Task, seed: int
    ) -> tuple[Future[Evaluation], Callable[[], Any]]:
        """The future of one evaluation, and what gives it up; `ticket` is how `_age` knows it."""
        inner = self._executor.submit(guarded, self._evaluator, candidate, task, seed)
        return inner, inner.cancel

    def _age(self, ticket: str, inner: Future[Evaluation]) -> float | None:
        """Seconds since a worker began with it, as far as that has been seen; None while it waits for one."""
        if ticket not in self._begun and inner.running():
            self._begun[ticket] = time.monotonic()
        return time.monotonic() - self._begun[ticket] if ticket in self._begun else None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


class RayExecutor(Pool):
    """A Ray cluster: `ray(address='auto', cpus=4, gpus=0.25)`; without an address, this machine.

    A GPU may be shared by several trials (`gpus` below 1): Ray shows each worker the device it was given.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        workers: int = 1,
        timeout: float | None = None,
        *,
        address: str | None = None,
        cpus: float = 1,
        gpus: float = 0,
        retries: int = 2,
    ):
        ray = _optional("ray")
        if gpus == 0 and str(getattr(evaluator, "device", "")).startswith("cuda"):
            raise EvonasError("Ray shows a GPU only to who asks for one; give ray(gpus=1), or a share: ray(gpus=0.25)")
        self.slots, self.timeout = workers, timeout
        self._ray = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            try:
                ray.init(address=address, log_to_driver=False, include_dashboard=False if address is None else None)
            except ConnectionError as error:
                raise EvonasError(f"no Ray cluster at address={address!r}: {first_line(error)}") from error
        _send_user_files_by_value(ray.cloudpickle)
        self._key = uuid4().hex
        self._reference = ray.put(evaluator)
        self._remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=retries)(_with_fetched)
        # where the workers note when they begin, only for who wants to know
        self._starts = ray.remote(num_cpus=0, max_restarts=-1)(_Starts).remote() if timeout else None

    def _start(
        self, ticket: str, candidate: Candidate, task: Task, seed: int
    ) -> tuple[Future[Evaluation], Callable[[], Any]]:
        # in a list Ray hands the references over as they are, so a worker process fetches the data once and keeps them
        reference = self._remote.remote(self._key, [self._reference], [self._starts], ticket, candidate, task, seed)
        return reference.future(), lambda: self._ray.cancel(reference, force=True)

    def _age(self, ticket: str, inner: Future[Evaluation]) -> float | None:
        with suppress(Exception):  # an actor that cannot answer now is asked again later
            return self._ray.get(self._starts.age.remote(ticket), timeout=10)  # type: ignore[union-attr]
        return None

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._ray.shutdown()
        elif self._starts is not None:
            self._ray.kill(self._starts)


class DaskExecutor(Pool):
    """A Dask cluster: `dask(address='tcp://host:8786')`; without an address, processes on this machine."""

    def __init__(
        self,
        evaluator: Evaluator,
        workers: int = 1,
        timeout: float | None = None,
        *,
        address: str | None = None,
        retries: int = 2,
    ):
        distributed = _optional("distributed", "dask")
        _send_user_files_by_value(_optional("cloudpickle", "dask"))
        try:
            self._client = (
                distributed.Client(address, timeout=5)
                if address
                else distributed.Client(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            )
        except OSError as error:
            raise EvonasError(f"no Dask scheduler at address={address!r}: {error}") from error
        self._key = uuid4().hex
        self._client.register_plugin(_bring(distributed, self._key, evaluator), name=self._key)
        super().__init__(evaluator, workers, timeout, executor=self._client.get_executor(retries=retries, pure=False))
        self._client.subscribe_topic(self._key, self._note)

    def _start(
        self, ticket: str, candidate: Candidate, task: Task, seed: int
    ) -> tuple[Future[Evaluation], Callable[[], Any]]:
        inner = self._executor.submit(_with_noted, self._key, ticket, candidate, task, seed)
        return inner, inner.cancel

    def _age(self, ticket: str, inner: Future[Evaluation]) -> float | None:
        return time.monotonic() - self._begun[ticket] if ticket in self._begun else None

    def _note(self, event: tuple[float, str]) -> None:
        """A worker has begun with a ticket; it begins anew where another one died with it."""
        self._begun[event[1]] = time.monotonic()

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # a scheduler that is gone needs no good-bye
            self._executor.shutdown(wait=False)
            self._client.unregister_worker_plugin(name=self._key)  # the workers may serve other searches
            self._client.close(timeout=5)
            if self._client.cluster is not None:
                self._client.cluster.close(timeout=5)


class _Starts:
    """An actor that notes when workers begin, by its own clock alone."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}

    def begin(self, ticket: str) -> None:
        self._begun[ticket] = time.monotonic()

    def age(self, ticket: str) -> float | None:
        return time.monotonic() - self._begun[ticket] if ticket in self._begun else None


# What a worker process holds, by the search it belongs to: several may share a cluster. It fills in workers, never in
# the parent. Dask takes a search's out when it ends; of Ray's the oldest go, and are fetched again if they must be.
_held: dict[str, Evaluator] = {}
HELD = 4


def _hold(key: str, evaluator: Evaluator) -> None:  # by name: the plugin travels by value, and with it what it names
    _held[key] = evaluator


def _release(key: str) -> None:
    _held.pop(key, None)


def _with_noted(key: str, ticket: str, candidate: Candidate, task: Task, seed: int) -> Evaluation:
    importlib.import_module("distributed").get_worker().log_event(key, ticket)
    return guarded(_held[key], candidate, task, seed)


def _with_fetched(
    key: str, reference: list[Any], starts: list[Any], ticket: str, candidate: Candidate, task: Task, seed: int
) -> Evaluation:
    if key not in _held:
        while len(_held) >= HELD:
            del _held[next(iter(_held))]
        _held[key] = importlib.import_module("ray").get(reference[0])
    if starts[0] is not None:
        starts[0].begin.remote(ticket)
    with unchanged():
        return guarded(_held[key], candidate, task, seed)


def _bring(distributed: Any, key: str, evaluator: Evaluator) -> Any:
    """A worker plugin: the scheduler brings the evaluator to every worker, also to those that join later."""

    class Bring(distributed.WorkerPlugin):
        def setup(self, worker: Any) -> None:
            _hold(key, evaluator)

        def teardown(self, worker: Any) -> None:
            _release(key)

    return Bring()


def _outcome(future: Future[Evaluation], candidate: Candidate) -> Evaluation:
    """What the cluster says, a lost node or a broken pool included, as an evaluation."""
    if future.cancelled():
        return Evaluation.failure(candidate, "cancelled")
    error = future.exception()
    if error is None:
        return future.result()
    return Evaluation.failure(candidate, f"worker lost: {named_line(error)}")


def _settle(future: Future[Evaluation], evaluation: Evaluation) -> None:
    if not future.done():
        with suppress(Exception):  # set by the other of timer and result in this very moment
            future.set_result(evaluation)


def _optional(module: str, extra: str | None = None) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = extra or module
        raise EvonasError(f"{extra} is not installed; pip install 'evonas[{extra}]'") from error


def _send_user_files_by_value(cloudpickle: Any) -> None:
    """A class from `path/to/file.py` travels with its code: other machines need not have the file."""
    for module in plugins.loaded_modules():
        cloudpickle.register_pickle_by_value(module)

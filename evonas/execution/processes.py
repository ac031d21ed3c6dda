"""Where candidates are evaluated: in this process, or in spawned ones. A failure is an evaluation, never a crash."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.faults import first_line, short_traceback
from evonas.core.types import Candidate, Evaluation, Evaluator, Task


def on_this_machine(evaluator: Evaluator, workers: int = 1, timeout: float | None = None) -> Serial | Processes:
    """This process for one worker; spawned ones for several, or where a training may have to be ended.

    An evaluator with `for_workers(n)` says itself what each of them gets: a device of its own, say.
    """
    if workers == 1 and timeout is None:
        return Serial(evaluator)
    divide = getattr(evaluator, "for_workers", lambda n: [evaluator] * n)
    return Processes(divide(workers), timeout)


def guarded(evaluator: Evaluator, candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """The evaluation with its figures as Python's numbers, or a failed one that says what went wrong, and where."""
    start = time.perf_counter()
    try:
        evaluation = evaluator(candidate, task, seed)
        if not isinstance(evaluation, Evaluation):
            raise TypeError(f"the evaluator returned {type(evaluation).__name__}, not an Evaluation")
        metrics = {name: _number(value, f"metric {name!r}") for name, value in evaluation.metrics.items()}
        return replace(evaluation, metrics=metrics, seconds=_number(evaluation.seconds, "seconds"))
    except Exception as error:
        seconds = time.perf_counter() - start
        return Evaluation.failure(candidate, first_line(error), seconds, short_traceback(error))


def _number(value: Any, what: str) -> float:
    """A number of Python's own: numpy's, and what is in an array or a tensor without axes, are taken for one.

    Raises TypeError, which names what it is of, for anything else.
    """
    found = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise TypeError(f"the {what} is no number but {' '.join(repr(value).split())[:80]} ({type(value).__name__})")
    return found


def refuse_in_a_starting_worker() -> None:
    """End a spawned process that runs its parent's script again because that script has no main guard.

    Not an exception that the script might catch: what follows would be a search of its own.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # what multiprocessing itself goes by
        raise SystemExit(f"evonas: a worker runs this script again; {_GUARD}")


_GUARD = 'put what starts the search under `if __name__ == "__main__":`, or give workers=1'


class _Closed(Exception):
    """The executor was closed while a worker was about to start."""


class Serial:
    """In this process, one after the other: reproducible to the last bit."""

    slots = 1

    def __init__(self, evaluator: Evaluator):
        self.evaluator = evaluator

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        future: Future[Evaluation] = Future()
        future.set_result(guarded(self.evaluator, candidate, task, seed))
        return future

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Processes:
    """Spawned processes, one for each evaluator (which may name its own device).

    An evaluator travels once, with its data. A trial that takes longer than `timeout` seconds is ended with its
    process; a process that dies is replaced, and its trial tried once more. Where no process can start, because it
    cannot load the evaluator or runs a script again that has no main guard, the future raises EvonasError.
    """

    def __init__(self, evaluators: Sequence[Evaluator], timeout: float | None = None):
        self.slots = len(evaluators)
        self.timeout = timeout
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers = [_Worker(evaluator) for evaluator in evaluators]
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="evonas-worker")

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        return self._threads.submit(self._evaluate, candidate, task, seed)

    def _evaluate(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        worker = self._idle.get()
        start, code = time.perf_counter(), None
        try:
            for _ in range(2):
                try:
                    return worker.evaluate(candidate, task, seed, self.timeout)
                except TimeoutError:
                    worker.stop()
                    return Evaluation.failure(
                        candidate, f"timeout: took longer than {self.timeout:g} s", self.timeout or 0
                    )
                except (EOFError, OSError):
                    code = worker.stop()
            return Evaluation.failure(candidate, f"worker died twice (exit code {code})", time.perf_counter() - start)
        except _Closed:
            return Evaluation.failure(candidate, "cancelled")
        except EvonasError:  # no worker can start: no trial could succeed
            worker.stop()
            raise
        except Exception as error:  # a candidate that cannot be sent to a worker, say
            worker.stop()
            return Evaluation.failure(candidate, first_line(error), time.perf_counter() - start)
        finally:
            self._idle.put(worker)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the workers at once; trials under way are given up."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


_FILE = "what a notebook or a prompt defines is in this process only: put it into a file, or give workers=1"


class _Worker:
    """One spawned process and the pipe to it; started when first needed."""

    _starting = threading.Lock()  # of all workers: multiprocessing starts one process after the other

    def __init__(self, evaluator: Evaluator):
        self._evaluator = evaluator
        self._process: Any = None
        self._pipe: Connection | None = None
        self._closed = False

    def evaluate(self, candidate: Candidate, task: Task, seed: int, timeout: float | None) -> Evaluation:
        """Raises TimeoutError, or EOFError/OSError where the process died."""
        pipe = self._pipe or self._start()
        pipe.send((candidate, task, seed))
        if not pipe.poll(timeout):
            raise TimeoutError
        answer = pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _start(self) -> Connection:
        """Raises EvonasError where the process cannot load the evaluator, _Closed where nobody waits for it."""
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        with self._starting:  # one that is closed now must not start afterwards
            if self._closed:
                raise _Closed
            self._process = context.Process(target=_serve, args=(theirs, plugins.loaded_files()), daemon=True)
            self._process.start()
        theirs.close()
        try:
            pipe.send(self._evaluator)
            ready = pipe.recv()  # the timeout of a trial does not count the start of a process
        except (EOFError, OSError) as error:
            pipe.close()
            code = self.stop()
            if self._closed:
                raise _Closed from error
            if code is not None and code < 0:  # killed, as any worker may be
                raise
            raise EvonasError(
                f"a worker ended while it started (exit code {code}); if a script started the search, {_GUARD}"
            ) from error
        except Exception as error:
            raise EvonasError(f"the evaluator cannot be sent to a worker: {first_line(error)}; {_FILE}") from error
        if isinstance(ready, Exception):
            raise EvonasError(f"a worker cannot load the evaluator: {ready}; {_FILE}") from ready
        self._pipe = pipe
        return pipe

    def stop(self) -> int | None:
        """End the process; the next trial starts another. Returns its exit code."""
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is None:
            return None
        if process.pid is None:  # it could not even be started
            return None
        process.kill()
        process.join()
        return process.exitcode

    def close(self) -> None:
        """End the process for good, also under a thread that waits for it."""
        with self._starting:
            self._closed = True
        process = self._process
        if process is not None and process.pid is not None:
            process.kill()


def _serve(pipe: Connection, user_files: Sequence[str]) -> None:
    """A worker's life: load the evaluator, then evaluate until the parent hangs up or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=die_with_parent, daemon=True).start()
    try:
        plugins.load_files(user_files)
        evaluator = pipe.recv()
        pipe.send("ready")
    except Exception as error:
        pipe.send(RuntimeError(first_line(error)))
        return
    while True:
        try:
            candidate, task, seed = pipe.recv()
        except EOFError:
            return
        pipe.send(guarded(evaluator, candidate, task, seed))


def die_with_parent() -> None:
    """A worker's watch, in a thread of its own: a killed parent says no goodbye."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)

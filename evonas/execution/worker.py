"""A spawned process that evaluates, and the pipes to it."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from evonas.core import plugins
from evonas.core.errors import EvonasError, named_line
from evonas.core.optional import TakesTurns
from evonas.core.surroundings import unchanged
from evonas.core.types import Candidate, Evaluation, Evaluator, Task
from evonas.execution.guarded import guarded

GUARD = 'put what starts the search under `if __name__ == "__main__":`, or give workers=1'
_FILE = "what a notebook or a prompt defines is in this process only: put it into a file, or give workers=1"


class Closed(Exception):
    """The executor was closed while a worker was about to start."""


class Died(Exception):
    """The process ended before it answered."""

    def __init__(self, code: int | None):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class _Started:
    """A process and a pipe for each of its threads. They are never closed here, where other threads may wait at them:
    a process that is gone ends them all."""

    process: Any
    pipes: Sequence[Connection]


class Worker:
    """One spawned process, and another one in its place when it has ended; started when first needed.

    With `together` above 1 so many threads may ask it at the same time, each at a seat of its own.
    """

    _starting = threading.Lock()  # of all workers: multiprocessing starts one process after the other

    def __init__(self, evaluator: Evaluator, together: int = 1):
        self._evaluator, self.together = evaluator, together
        self._changing = threading.Lock()  # from one process to the next
        self._started: _Started | None = None
        self._process: Any = None
        self._closed = False
        self._spare = Worker(evaluator) if together > 1 else None
        self._alone = threading.Lock()  # with the spare

    def evaluate(self, seat: int, candidate: Candidate, task: Task, seed: int, timeout: float | None) -> Evaluation:
        """Raises TimeoutError, after which the process is ended, and Died where it died."""
        with self._changing:
            started = self._started or self._start()
        pipe = started.pipes[seat]
        try:
            pipe.send((candidate, task, seed))
            if not pipe.poll(timeout):
                raise TimeoutError
            return pipe.recv()
        except TimeoutError:
            self._end(started)
            raise
        except (EOFError, OSError) as error:
            raise Died(self._end(started)) from error

    def evaluate_again(
        self, seat: int, candidate: Candidate, task: Task, seed: int, timeout: float | None
    ) -> Evaluation:
        """The same after the process has ended, alone where it was not: any that ran together may be at fault."""
        if self._spare is None:
            return self.evaluate(seat, candidate, task, seed, timeout)
        with self._alone:
            try:
                return self._spare.evaluate(0, candidate, task, seed, timeout)
            finally:
                self._spare.stop()

    def _start(self) -> _Started:
        """Raises EvonasError where the process cannot load the evaluator, Closed where nobody waits for it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = zip(*(context.Pipe() for _ in range(self.together)), strict=True)
        with self._starting:  # one that is closed now must not start afterwards
            if self._closed:
                raise Closed
            self._process = context.Process(target=_serve, args=(theirs, plugins.loaded_files()), daemon=True)
            self._process.start()
        started = _Started(self._process, ours)
        for pipe in theirs:
            pipe.close()
        try:
            ours[0].send(self._evaluator)
            ready = ours[0].recv()  # the timeout of a trial does not count the start of a process
        except (EOFError, OSError) as error:
            code = _ended(started.process)
            if self._closed:
                raise Closed from error
            if code is not None and code < 0:  # killed, as any worker may be
                raise Died(code) from error
            raise EvonasError(
                f"a worker ended while it started (exit code {code}); if a script started the search, {GUARD}"
            ) from error
        except Exception as error:
            _ended(started.process)
            raise EvonasError(f"the evaluator cannot be sent to a worker: {named_line(error)}; {_FILE}") from error
        if isinstance(ready, Exception):
            _ended(started.process)
            raise EvonasError(f"a worker cannot load the evaluator: {ready}; {_FILE}") from ready
        self._started = started
        return started

    def _end(self, started: _Started) -> int | None:
        """End this process, and with it whatever it evaluates; the next trial starts another. Returns its exit code."""
        with self._changing:
            if self._started is started:
                self._started = None
            return _ended(started.process)

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._started is not None:
            self._end(self._started)

    def close(self) -> None:
        """End the process for good, also under a thread that waits for it."""
        with self._starting:
            self._closed = True
        process = self._process
        if process is not None and process.pid is not None:
            process.kill()
        if self._spare is not None:
            self._spare.close()


def _ended(process: Any) -> int | None:
    process.kill()
    process.join()
    return process.exitcode


def _serve(pipes: Sequence[Connection], user_files: Sequence[str]) -> None:
    """A worker's life: load the evaluator, then evaluate until the parent hangs up or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with suppress(OSError):  # what a user's code prints is none of the results on the parent's standard output
        os.dup2(2, 1)
    threading.Thread(target=die_with_parent, daemon=True).start()
    try:
        plugins.load_files(user_files)
        evaluator = pipes[0].recv()
        each = _for_threads(evaluator, len(pipes))
        pipes[0].send("ready")
    except Exception as error:
        pipes[0].send(RuntimeError(named_line(error)))
        return
    for own, pipe in zip(each[1:], pipes[1:], strict=True):
        threading.Thread(target=_answer, args=(pipe, own), daemon=True).start()
    _answer(pipes[0], each[0], alone=len(pipes) == 1)


def _for_threads(evaluator: Evaluator, number: int) -> Sequence[Evaluator]:
    if number == 1:
        return [evaluator]
    assert isinstance(evaluator, TakesTurns)  # `Processes` has seen to it
    return evaluator.in_turns(number)


def _answer(pipe: Connection, evaluator: Evaluator, alone: bool = False) -> None:
    """Evaluate what comes until the parent hangs up; a fault in this itself ends the process, as the parent expects."""
    try:
        while True:
            candidate, task, seed = pipe.recv()
            with unchanged() if alone else nullcontext():  # those that take turns see to it themselves
                evaluation = guarded(evaluator, candidate, task, seed)
            pipe.send(evaluation)
    except EOFError:
        return
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def die_with_parent() -> None:
    """A worker's watch, in a thread of its own: a killed parent says no goodbye."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)

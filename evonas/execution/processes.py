"""Where candidates are evaluated: in this process, or in spawned ones. A failure is an evaluation, never a crash."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from evonas.core.errors import EvonasError, named_line
from evonas.core.optional import Divisible, TakesTurns
from evonas.core.surroundings import unchanged
from evonas.core.types import Candidate, Evaluation, Evaluator, Task
from evonas.execution.guarded import guarded
from evonas.execution.worker import GUARD, Closed, Died, Worker


def on_this_machine(
    evaluator: Evaluator, workers: int = 1, timeout: float | None = None, together: int = 1
) -> Serial | Processes:
    """This process for one worker; spawned ones for several, or where a training may have to be ended.

    An evaluator with `for_workers(n)` says itself what each of them gets: a device of its own, say. Each evaluates so
    many `together`.
    """
    if workers == 1 and timeout is None and together == 1:
        return Serial(evaluator)
    own = evaluator.for_workers(workers) if isinstance(evaluator, Divisible) else [evaluator] * workers
    return Processes(own, timeout, together)


def refuse_in_a_starting_worker() -> None:
    """End a spawned process that runs its parent's script again because that script has no main guard.

    Not an exception that the script might catch: what follows would be a search of its own.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # what multiprocessing itself goes by
        raise SystemExit(f"evonas: a worker runs this script again; {GUARD}")


class Serial:
    """In this process, one after the other: reproducible to the last bit, also where one of them changes what all
    have in common."""

    slots = 1

    def __init__(self, evaluator: Evaluator):
        self.evaluator = evaluator

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        future: Future[Evaluation] = Future()
        with unchanged():
            evaluation = guarded(self.evaluator, candidate, task, seed)
        future.set_result(evaluation)
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

    With `together` above 1 each process evaluates so many at the same time, in turns. When it ends, also because one
    took too long, those that it had are tried once more one by one, in a process beside it: what one of them did was
    not the others' fault.

    Raises EvonasError where `together` is above 1 and an evaluator does not take turns.
    """

    def __init__(self, evaluators: Sequence[Evaluator], timeout: float | None = None, together: int = 1):
        other = next((type(one).__name__ for one in evaluators if not isinstance(one, TakesTurns)), None)
        if together > 1 and other is not None:
            raise EvonasError(f"together={together} needs evaluators with in_turns(n), and {other} has none; give 1")
        self.slots = len(evaluators) * together
        self.timeout = timeout
        self._free: SimpleQueue[tuple[Worker, int]] = SimpleQueue()
        self._workers = [Worker(evaluator, together) for evaluator in evaluators]
        for seat in range(together):  # a process gets its second trial when each has its first
            for worker in self._workers:
                self._free.put((worker, seat))
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="evonas-worker")

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        return self._threads.submit(self._evaluate, candidate, task, seed)

    def _evaluate(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        worker, seat = self._free.get()
        start, error = time.perf_counter(), ""
        try:
            for evaluate in (worker.evaluate, worker.evaluate_again):
                try:
                    return evaluate(seat, candidate, task, seed, self.timeout)
                except TimeoutError:
                    error = f"timeout: took longer than {self.timeout:g} s"
                    if worker.together == 1:
                        break
                except Died as died:
                    error = f"worker died twice (exit code {died.code})"
            return Evaluation.failure(candidate, error, time.perf_counter() - start)
        except Closed:
            return Evaluation.failure(candidate, "cancelled")
        except EvonasError:  # no worker can start: no trial could succeed
            raise
        except Exception as error:  # a candidate that cannot be sent to a worker, say
            return Evaluation.failure(candidate, named_line(error), time.perf_counter() - start)
        finally:
            self._free.put((worker, seat))

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the workers at once; trials under way are given up."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

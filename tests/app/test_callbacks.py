"""What watches a search does not end it."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from evonas.app.callbacks import Guarded, check_callbacks
from evonas.app.console import Tolerant, print_line
from evonas.app.display import LiveDisplay, PlainLines, watchers
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, total


class Counting(CallbackDefaults):
    def __init__(self):
        self.trials, self.notes = 0, []

    def told(self, trial):
        self.trials += 1

    def note(self, text):
        self.notes.append(text)


class Broken(Counting):
    def told(self, trial):
        super().told(trial)
        raise ValueError("no disk\nand more")

    def note(self, text):
        raise RuntimeError("no wire")


def searched(callbacks, trials=4):
    return run(
        Evolution(SearchContext(Digits())), Serial(total), TASK, seed=0, budget=Budget(trials), callbacks=callbacks
    ).trials


def test_one_that_raises_is_named_in_a_line_and_left_out(caplog):
    broken, good = Broken(), Counting()
    assert len(searched([Guarded([broken, good])])) == 4
    assert (broken.trials, good.trials) == (1, 4)
    (record,) = caplog.records
    line = record.getMessage()
    assert "callback Broken: told() raised ValueError: no disk (test_callbacks.py, line" in line
    assert "\n" not in line


def test_one_that_raises_in_note(caplog):
    good = Counting()
    Guarded([Broken(), CallbackDefaults(), good]).note("trusts mnist")
    assert good.notes == ["trusts mnist"]
    assert "note() raised RuntimeError: no wire" in caplog.text


def test_a_callback_may_stop_a_search():
    class Stop(CallbackDefaults):
        def told(self, trial):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched([Guarded([Stop()])])


@pytest.mark.parametrize(
    "callbacks", [[print], print, "told", [Counting], [None], [SimpleNamespace(told=print)], {1: 2}]
)
def test_what_is_no_callback_is_said_before_the_search(callbacks):
    with pytest.raises(EvonasError) as error:
        check_callbacks(callbacks)
    assert "\n" not in str(error.value)


def test_what_is_one():
    counting = Counting()
    assert list(check_callbacks([counting])) == [counting]
    assert check_callbacks(()) == ()


class Gone(io.StringIO):
    """A pipe that nobody reads any more, or a full disk."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")

    def isatty(self):
        return True


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def latin():
    return io.TextIOWrapper(io.BytesIO(), encoding="latin-1")


def ascii_only():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii")


@pytest.mark.parametrize("stream", [Gone, closed, latin, ascii_only])
def test_a_display_outlives_its_output(stream):
    def console():
        return Console(file=Tolerant(stream()), force_terminal=True, width=60)  # type: ignore[arg-type]

    for display in (PlainLines(Budget(3), file=stream()), LiveDisplay(Budget(3), console=console())):
        display.note("фото …")
        assert len(searched([display])) == 4


def test_what_cannot_be_encoded_becomes_a_question_mark():
    stream = latin()
    print_line("фото … ü", stream)
    assert stream.buffer.getvalue() == "???? ? ü\n".encode("latin-1")  # type: ignore[attr-defined]


def test_colours_that_are_forced_make_no_terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert isinstance(watchers(Budget(3))[0], PlainLines)
    monkeypatch.setattr(sys, "stdout", None)
    assert isinstance(watchers(Budget(3))[0], PlainLines)


def test_all_objectives_are_shown():
    goal = Goal.parse("val_accuracy,latency_ms,params")
    candidate = Candidate("g")
    evaluation = Evaluation(candidate, {"val_accuracy": 0.9, "latency_ms": 3.25, "params": 12345}, 1.0)
    out, screen = io.StringIO(), Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    for display in (PlainLines(Budget(1), goal, out), LiveDisplay(Budget(1), goal, screen)):
        display.started(Task("digits", (1, 8, 8), 10), ())
        display.told(Trial("r", 0, 0, evaluation, 1.0))
        display.ended("the budget is spent")
    assert "validation accuracy 90.00 %  3.250 ms latency  12.3 k params" in out.getvalue()
    last = screen.file.getvalue().rpartition("digits")[2]  # type: ignore[attr-defined]
    assert all(text in last for text in ("validation accuracy", "latency", "3.250", "12.3 k"))


SCRIPT = """
import sys
from evonas.app.console import print_line
for _ in range(20000):
    print_line("x" * 100)
print_line("done", sys.stderr)
"""


def test_nobody_reads_any_more():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "done\n"

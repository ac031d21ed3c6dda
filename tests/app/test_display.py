"""What people see while a search runs."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from evonas.app.display import LiveDisplay, PlainLines, Progress, watchers
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.search.loop import Budget

TASK = Task("digits", (1, 8, 8), 10)


def trial(number: int, accuracy: float | None = 0.9, *, seconds: float = 2.0, fidelity: float = 1.0, **more) -> Trial:
    candidate = Candidate(f"genome-{number}[bold]", fidelity)
    if accuracy is None:
        evaluation = Evaluation.failure(candidate, more.get("error", "ValueError: no [red]luck[/red]\nmore"), seconds)
    else:
        evaluation = Evaluation(candidate, {"val_accuracy": accuracy, "params": 12345}, seconds)
    return Trial("run", number, number, evaluation, elapsed=seconds * (number + 1))


def watch(callback, trials, reason="the budget is spent"):
    callback.started(TASK, ())
    for t in trials:
        callback.asked(t.number, t.evaluation.candidate)
        callback.told(t)
    callback.ended(reason)


def terminal(width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=40, color_system=None)


def shown(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_plain_lines_are_one_line_a_trial_without_control_characters():
    out = io.StringIO()
    watch(PlainLines(Budget(3), file=out), [trial(0), trial(1, None), trial(2, 0.97251)])
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[1] == ("trial 1/3  validation accuracy 90.00 %  12.3 k params  2.0 s  best 90.00 %  genome-0[bold]")
    assert lines[2] == "trial 2/3  failed: ValueError: no [red]luck[/red]  genome-1[bold]"
    assert "best 97.25 %" in lines[3]
    assert lines[4].startswith("ended after 3 trials, 1 failed in ")
    assert not re.search(r"[\x1b\r]", out.getvalue())


def test_a_resumed_run_counts_what_was_done():
    out = io.StringIO()
    lines = PlainLines(Budget(5), file=out)
    lines.started(TASK, [trial(0, 0.95), trial(1)])
    lines.told(trial(2))
    assert out.getvalue().startswith("started on digits: 5 trials; 2 trials done already\n")
    assert "trial 3/5" in out.getvalue()
    assert "best 95.00 %" in out.getvalue()


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(1), "1 trial"),
        (Budget(seconds=90), "1 min 30 s"),
        (Budget(24, 3600), "24 trials or 1 h 00 min"),
        (Budget(), "all architectures"),
    ],
)
def test_the_first_line_says_how_far_the_search_goes(budget, words):
    out = io.StringIO()
    PlainLines(budget, file=out).started(TASK, [])
    assert out.getvalue() == f"started on digits: {words}\n"


def test_an_absent_architecture_is_no_trial():
    absent = Trial("run", 0, 0, Evaluation(Candidate("x"), {}, 0.0, "absent"))
    out = io.StringIO()
    watch(PlainLines(Budget(2), file=out), [absent, trial(1)])
    assert "trial 1/2  validation" in out.getvalue()
    assert "ended after 1 trial in" in out.getvalue()


def test_the_display_shows_figures_last_results_and_the_note():
    console = terminal()
    display = LiveDisplay(Budget(20), console=console)
    display.note("trusts mnist 60 %,\nown results 40 %")
    watch(display, [trial(i, 0.9 + i / 1000) for i in range(11)] + [trial(11, None)])
    last = shown(console).rpartition("digits")[2]
    assert "12 of 20 done · 0 running · 1 failed" in last
    assert "best 91.00 % · 12.3 k params" in last
    assert "trusts mnist 60 %, own results 40 %" in last
    assert "the budget is spent" in last
    assert "genome-10[bold]" in last
    assert "ValueError: no [red]luck[/red]" in last
    assert "genome-2[bold]" not in last


@pytest.mark.parametrize("width", [20, 60, 200])
def test_the_display_fits_any_width(width):
    console = terminal(width)
    watch(LiveDisplay(Budget(5), console=console), [trial(i) for i in range(3)])
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", shown(console)).replace("\r", "")
    assert max(map(len, plain.splitlines())) <= width


def test_the_cursor_is_given_back_also_twice():
    console = terminal()
    display = LiveDisplay(Budget(5), console=console)
    with display:
        display.started(TASK, ())
        assert shown(console).endswith("\x1b[?25l") or "\x1b[?25l" in shown(console)
    assert shown(console).rfind("\x1b[?25h") > shown(console).rfind("\x1b[?25l")
    length = len(shown(console))
    display.close()
    display.ended("again")
    assert len(shown(console)) == length


def test_what_suits_the_output():
    assert watchers(Budget(3), quiet=True) == ()
    assert isinstance(watchers(Budget(3), console=terminal())[0], LiveDisplay)
    assert isinstance(watchers(Budget(3), console=Console(file=io.StringIO()))[0], PlainLines)


def test_time_left_follows_mean_workers_and_the_nearer_end():
    progress = Progress(Budget(trials=10))
    progress.start(TASK, ())
    assert progress.left is None
    for i in range(2):
        progress.submit(i, Candidate(i))
    for i in range(2):
        progress.add(trial(i, seconds=3.0))
    assert progress.left == pytest.approx(8 * 3.0 / 2)
    progress.budget = Budget(trials=10, seconds=5.0)
    assert 0 < (progress.left or 0) <= 5.0
    assert progress.share == pytest.approx(0.2, abs=0.1)
    progress.budget = Budget()
    assert progress.left is None
    assert progress.share is None


def test_the_best_is_one_of_the_highest_fidelity_and_follows_the_objective():
    progress = Progress(Budget(10))
    quick = [trial(0, 0.99, fidelity=0.25), trial(4, 0.95, fidelity=0.5)]
    for t in (quick[0], trial(1, 0.8), trial(2, None), trial(3, 0.85), quick[1]):
        progress.add(t)
    assert progress.best is not None
    assert progress.best.number == 3
    smallest = Progress(Budget(10), Goal((Objective("params", maximize=False),)))
    for number, params in enumerate((300, 100, 200)):
        smallest.add(Trial("run", number, 0, Evaluation(Candidate(number), {"params": params})))
    assert smallest.best is not None
    assert smallest.best.number == 1
    assert smallest.value(smallest.best) == "100"


SCRIPT = """
import time
from evonas.app.display import watchers
from evonas.search.loop import Budget
from evonas.core.types import Candidate, Task
display, = watchers(Budget(9))
display.started(Task("digits", (1, 8, 8), 10), ())
display.asked(0, Candidate("g"))
time.sleep(60)
"""


def test_ctrl_c_restores_a_real_terminal_even_if_nobody_says_that_it_ended():
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    seen, interrupted, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        if not interrupted and b"1 running" in seen:
            process.send_signal(signal.SIGINT)
            interrupted = True
    os.close(master)
    process.wait(30)
    assert interrupted
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in seen
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l") >= 0

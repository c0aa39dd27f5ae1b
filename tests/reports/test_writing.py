"""Where a report is written, and when none is."""

import pytest

from cifarlab.reports import rendering, writing
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


def test_default_output_is_in_the_run_or_beside_the_runs(make_run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rendering, "render_page", lambda page: f"About {page.leader.label}.")
    monkeypatch.setattr(writing, "write_figures", lambda *_: [])
    first, second = make_run(tmp_path, "first"), make_run(tmp_path, "second-run")
    assert writing.report(first) == first.report_file
    assert writing.report([first, second]) == tmp_path / "report-first-second-run.html"
    (tmp_path / "folder").mkdir()
    page = writing.report(first, tmp_path / "folder")
    assert page == tmp_path / "folder" / "report.html"
    assert page.read_text(encoding="utf-8") == "About first."


def test_foreign_file_is_never_overwritten(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "taken")
    (tmp_path / "folder").mkdir()
    for place, output in ((run.report_file, None), (tmp_path / "folder" / "report.html", tmp_path / "folder")):
        place.write_text("my notes", encoding="utf-8")
        with pytest.raises(CifarlabError, match="not a report"):
            writing.report(run, output)
        assert place.read_text(encoding="utf-8") == "my notes"


@pytest.mark.parametrize("lost", ["scores_file", "predictions_file"])
def test_run_that_was_not_evaluated_is_told_how(make_run, tmp_path, lost) -> None:
    run = make_run(tmp_path, "raw")
    getattr(run, lost)("test").unlink()
    with pytest.raises(CifarlabError, match="cifarlab evaluate"):
        writing.report(run)


def test_scores_of_other_images_are_refused(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "stale")
    files.write_json(run.scores_file("test"), {**json_data(run.scores("test")), "count": 7})
    with pytest.raises(CifarlabError, match="do not belong"):
        writing.report(run)


@pytest.mark.parametrize(("runs", "split"), [([], "test"), (["nowhere"], "test"), (["nowhere"], "train")])
def test_wrong_input_is_one_clear_line(runs, split) -> None:
    with pytest.raises(CifarlabError):
        writing.report(runs, split=split)

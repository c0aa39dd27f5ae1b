"""The page about a study: self-contained, the verdict first, and what others wrote escaped."""

import csv
import dataclasses
import re
import shutil

import pytest

from cifarlab.cli import main as cli
from cifarlab.reports.rendering import GENERATOR
from cifarlab.reports.studies.page import say_verdict, study_parts
from cifarlab.reports.studies.writing import is_study, report_study
from cifarlab.search.reading import read_study
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

FIGURES = ["contours", "importances", "learning-curves", "optimisation-history", "parallel-coordinates", "slices"]


@pytest.fixture(scope="module")
def study(made_up_study, tmp_path_factory):
    return made_up_study.make_study(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="module")
def page(study):
    return report_study(study.path).read_text(encoding="utf-8")


def test_the_verdict_comes_first(page):
    assert page.index('id="verdict"') < page.index('id="search"') < page.index('id="trials"')
    verdict = page[page.index('<section id="verdict"') : page.index('<section id="search"')]
    for said in ("+2.00", "90.00\N{NO-BREAK SPACE}%", "88.00\N{NO-BREAK SPACE}%", "+1.00 to +3.00", "0.001"):
        assert said in verdict
    assert "better than as shipped" in verdict


def test_it_needs_nothing_else(page):
    assert GENERATOR in page
    for wanted in ("http://", "https://", "src=", "<script"):
        assert wanted not in page
    assert page.count('role="img"') == len(FIGURES)


def test_what_others_wrote_is_escaped(page):
    assert "&lt;b&gt;lower the learning rate&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "<i>indeed" not in page


def test_every_figure_has_its_numbers_beside_it(study, page):
    folder = study.path / "figures"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{name}.{kind}" for name in FIGURES for kind in ("csv", "png")
    )
    record = read_study(study.path)
    with (folder / "optimisation-history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows] == ["" if each.score is None else str(each.score) for each in record.trials]
    with (folder / "slices.csv").open(newline="") as file:
        assert [int(row["trial"]) for row in csv.DictReader(file)] == [t.number for t in record.trials if 1 in t.scores]


def test_a_foreign_file_in_its_place_is_kept(study, tmp_path):
    copy = tmp_path / "study"
    shutil.copytree(study.path, copy, ignore=shutil.ignore_patterns("figures", "report.html"))
    (copy / "report.html").write_text("my notes", encoding="utf-8")
    with pytest.raises(CifarlabError, match="not a report"):
        report_study(copy)
    assert (copy / "report.html").read_text(encoding="utf-8") == "my notes"
    assert not (copy / "figures").exists()


def test_ids_are_unique_and_contents_lead_to_sections(page):

    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<a href="#([^"]+)"', page)) <= set(ids)


def test_a_study_that_was_stopped_has_a_page_without_a_verdict(made_up_study, tmp_path):
    study = made_up_study.make_study(tmp_path, rounds=1)
    record = read_study(study.path)
    assert say_verdict(record) == "stopped before its end"
    text = report_study(study.path, tmp_path).parent.joinpath("report.html").read_text()
    assert "The search was stopped before its end" in text
    assert "It is no verdict" in text


def test_a_study_without_a_trial_has_a_page(made_up_study, tmp_path):
    study = made_up_study.make_study(tmp_path, rounds=1)
    shutil.rmtree(study.path / "trials")
    study.trials_file.unlink()
    assert [part.name for part in study_parts(read_study(study.path))] == ["verdict", "search", "making"]
    assert "0 of 10 trials begun" in report_study(study.path).read_text()


@pytest.mark.parametrize(
    ("better", "p_value", "said"),
    [(True, 0.001, "better than as shipped"), (False, 0.5, "not told apart"), (False, 0.001, "worse than as shipped")],
)
def test_the_verdict_in_a_few_words(made_up_study, study, better, p_value, said):

    verdict = made_up_study.make_verdict(3, {"optimizer": "sgd"}, 0.95, better)
    first = dataclasses.replace(verdict.candidates[0], adjusted_p_value=p_value)
    record = dataclasses.replace(read_study(study.path), verdict=dataclasses.replace(verdict, candidates=(first,)))
    assert said in say_verdict(record)


def test_a_run_is_no_study(tmp_path):
    files.write_json(tmp_path / "run.json", {})
    assert not is_study(tmp_path)
    with pytest.raises(CifarlabError, match="no study"):
        report_study(tmp_path)


@pytest.mark.parametrize("words", ["--split validation", "--stories 2", "--code own.py", "--runs-dir ."])
def test_options_about_runs_are_refused(study, words, capsys):
    assert cli.main(["report", str(study.path), *words.split()]) == 2
    assert f"{words.split()[0]} is for reports about runs" in capsys.readouterr().err

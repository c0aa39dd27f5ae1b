"""Every figure as a file: SVG, PNG and its numbers as CSV."""

import csv
import io

import numpy as np
import pytest

from cifarlab.utils import files

FIGURES = ["training-curves", "confusion-matrix", "per-class-scores", "reliability", "risk-coverage"]


@pytest.mark.parametrize("name", [*FIGURES, "first-layer", "locality"])
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"")])
def test_every_figure_can_be_downloaded(pages, name, kind, begins):
    answer = pages.get(f"/figures/runs/first/{name}.{kind}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert f'{name}.{kind}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("name", ["accuracy-intervals", *(name for name in FIGURES if name != "confusion-matrix")])
def test_every_figure_of_a_comparison_can_be_downloaded(pages, name):
    address = f"/figures/compare/{name}"
    assert pages.get(f"{address}.png?run=first&run=second").content.startswith(b"\x89PNG")
    rows = pages.get(f"{address}.csv?run=first&run=second").text.splitlines()
    assert rows[0].startswith("run,")
    assert {row.partition(",")[0] for row in rows[1:]} == {"first", "second"}
    assert pages.get(f"{address}.csv?run=first&run=begun").status_code == 404


@pytest.mark.parametrize("name", ["class-counts", "class-means", "brightness"])
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"")])
def test_every_figure_of_the_data_can_be_downloaded(pages, name, kind, begins):
    answer = pages.get(f"/figures/data/digits/{name}.{kind}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)


def test_numbers_of_a_figure_are_those_of_the_run(pages, made_runs):
    rows = pages.get("/figures/runs/first/confusion-matrix.csv").text.splitlines()
    counts = np.array([[int(value) for value in row.split(",")[1:]] for row in rows[1:]])
    np.testing.assert_array_equal(counts, files.read_json(made_runs / "first" / "scores.json")["confusion_matrix"])


def test_the_first_layers_numbers_are_those_of_the_units_shown(own_pages, runs_dir, fake_run, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.figures.MOST_UNITS", 5)
    kernel = fake_run.write_model(runs_dir / "first" / "model.keras", (4, 5, 3), units=7)
    rows = list(csv.DictReader(io.StringIO(own_pages.get("/figures/runs/first/first-layer.csv").text)))
    energies = (kernel.astype(float) ** 2).sum(axis=0)
    assert [int(row["unit"]) for row in rows] == np.argsort(-energies)[:5].tolist()
    assert float(rows[0]["energy"]) == pytest.approx(energies.max())
    names = [f"w_{row}_{column}_{channel}" for row, column, channel in np.ndindex(4, 5, 3)]
    assert list(rows[0]) == ["unit", "energy", *names]
    for row in rows:
        shown = [float(row[name]) for name in names]
        np.testing.assert_allclose(shown, kernel[:, int(row["unit"])], rtol=1e-3)

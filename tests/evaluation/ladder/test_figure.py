"""The figure's files, and what is drawn where."""

import csv
from dataclasses import replace

import pytest

from cifarlab.evaluation.ladder.description import describe_ladder
from cifarlab.evaluation.ladder.figure import draw_ladder, points, write_figure
from cifarlab.utils.errors import CifarlabError

RUNGS = ("dense1.py", "dense2.py", "dense_taught.py")


@pytest.fixture
def ladder(folder, make_run):
    for source, accuracy, seconds in (
        ("dense1.py", 0.5, 60.0),
        ("dense2.py", 0.6, 90.0),
        ("dense_taught.py", 0.7, 99.0),
    ):
        make_run(source, 0, accuracy, training_seconds=seconds)
    return describe_ladder(RUNGS, runs_dir=folder / "runs", kept=folder / "none.json")


def as_kept(ladder):
    """The same ladder, as if the own runs were what is kept."""
    return replace(ladder, rungs=[replace(rung, result=rung.own, own=None) for rung in ladder.rungs])


def test_three_files_with_the_numbers_of_the_table(ladder, folder):
    written = write_figure(ladder, folder / "new" / "out")
    assert [path.name for path in written] == ["ladder.svg", "ladder.png", "ladder.csv"]
    assert written[0].read_text().lstrip().startswith("<?xml")
    assert written[1].read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(written[2].read_text().splitlines()))
    assert [(row["rung"], row["series"], float(row["accuracy"])) for row in rows] == [
        ("dense1", "own", 0.5),
        ("dense2", "own", 0.6),
        ("dense_taught", "own", 0.7),
    ]
    assert rows[0]["training_seconds"] == "60.0"
    assert rows[0]["petaflop"] == ""


def test_the_line_goes_through_the_ladder_and_not_to_what_stands_beside_it(ladder):
    assert [row["series"] for row in points(as_kept(ladder))] == ["record", "record", "side"]
    time, parameters = draw_ladder(as_kept(ladder)).axes[:2]
    lines = [
        list(line.get_xdata()) for line in time.get_lines() if len(line.get_xdata()) == 2 and line.get_alpha() == 0.7
    ]
    assert lines == [[60.0, 90.0]]
    assert time.get_xscale() == parameters.get_xscale() == "log"
    assert {text.get_text() for text in time.texts} == {"dense1", "dense2", "dense_taught"}


def test_what_others_reached_on_cifar10_is_drawn_beside_results_on_cifar10_only(ladder):
    def published(ladder):
        texts = [text.get_text() for text in draw_ladder(ladder).axes[1].texts]
        return [float(text.split()[0]) for text in texts if "%" in text]

    assert published(ladder) == []
    rungs = [replace(rung, own=replace(rung.own, data="cifar10")) for rung in ladder.rungs]
    assert published(replace(ladder, rungs=rungs)) == [85.19, 78, 70, 49.1]


def test_seconds_of_a_processor_and_of_an_accelerator_are_not_joined(ladder):
    kept = as_kept(ladder)
    result = kept.rungs[1].result
    faster = replace(result, machine={**result.machine, "accelerators": ["gpu:0"]})
    kept = replace(kept, rungs=[kept.rungs[0], replace(kept.rungs[1], result=faster), kept.rungs[2]])
    time, parameters = draw_ladder(kept).axes[:2]
    joined = [
        [len(line.get_xdata()) for line in axes.get_lines() if line.get_alpha() == 0.7] for axes in (time, parameters)
    ]
    assert joined == [[1, 1], [2]]
    assert "dense2 (accelerator)" in {text.get_text() for text in time.texts}
    assert "dense2" in {text.get_text() for text in parameters.texts}


def test_nothing_measured_is_nothing_to_draw(folder):
    with pytest.raises(CifarlabError, match="nothing to draw"):
        write_figure(describe_ladder(RUNGS, kept=folder / "none.json"), folder / "out")
    assert not (folder / "out").exists()

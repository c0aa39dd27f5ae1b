"""Parts of a file: in order, never answered twice, whole or absent. Answers are made up but for two tests."""

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import filelock
import keras
import numpy as np
import pytest
from PIL import Image

from cifarlab import recipes, runs
from cifarlab.cli import main as cli
from cifarlab.inference.bulk.classifier import BATCH, Classifier, Piece, Question
from cifarlab.inference.bulk.remote import find_remote, is_url, read_pictures_anywhere
from cifarlab.inference.bulk.writing import list_pictures, pieces, predict_to_file
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, find_pictures

NAMES = ("dark", "middle", "light", "never")


def build():
    """A model that knows dark pictures from light ones."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(2 / 255, offset=-1)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(len(NAMES))(x))
    weights = np.zeros((192, len(NAMES)), np.float32)
    weights[:, 0], weights[:, 2] = -8 / 192, 8 / 192
    model.layers[-1].set_weights([weights, np.array([0, 1, 0, -9], np.float32)])
    return model


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a run, and pictures of which one is damaged."""
    monkeypatch.chdir(tmp_path)
    run = runs.create_run(Path("runs"), "tiny")
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp")))
    files.write_json(run.data_file, {"name": "digits", "class_names": list(NAMES)})
    files.write_json(run.environment_file, {})
    build().save(run.model_file)
    for number, place in enumerate(["b.png", "a/z.png", "a/b/é, x.png", "c.png", "a.b/q.png"]):
        path = Path("pictures") / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 30), (50 * number,) * 3).save(path)
    Path("pictures/a/bad.png").write_bytes(b"no picture")
    Path("pictures/a/notes.txt").write_text("x")
    Path("pictures/.hidden.png").write_bytes(b"litter")
    return tmp_path


QUESTION = Question("runs/tiny", 2)
BAD = PictureError("x7.png", "it is damaged", "export it again", "damage")


def made_up(asked):
    """Answers a line a picture, and notes what was asked; `x7.png` cannot be read."""

    def stream(paths):
        for piece in pieces(paths):
            asked.extend(piece)
            bad = tuple(BAD for path in piece if path == BAD.name)
            yield Piece("".join(f"{path},made up\n" for path in piece if path != BAD.name), bad, len(piece))

    return stream


@pytest.fixture
def many(here, monkeypatch):
    """Names of three parts and a half, of pictures that nobody reads."""
    monkeypatch.setattr("cifarlab.inference.bulk.writing.PICTURES", 2 * BATCH)
    names = [f"x{number}.png" for number in range(7 * BATCH + 5)]
    monkeypatch.setattr("cifarlab.inference.bulk.writing.list_pictures", lambda _: (names, Counter()))
    return names


def test_all_are_answered_in_order(many):
    asked = []
    written = predict_to_file([], Path("out.csv"), QUESTION, made_up(asked))
    assert asked == many
    header, *lines = Path("out.csv").read_text().splitlines()
    assert header == "image,class_1,probability_1,class_2,probability_2"
    assert lines == [f"{name},made up" for name in many if name != BAD.name]
    assert (written.pictures, written.answered_before) == (len(many), 0)
    assert [str(error) for error in written.unreadable] == [str(BAD)]
    assert not Path("out.csv.parts").exists()


class Killed(BaseException):
    """As by SIGKILL, whatever catches errors."""


@pytest.mark.parametrize("after", [0, 1, 2, 5, 7])
def test_a_killed_one_goes_on_and_ends_the_same(many, after):
    predict_to_file([], Path("whole.csv"), QUESTION, made_up([]))
    before, rest = [], []

    def cut(paths):
        for number, piece in enumerate(made_up(before)(paths)):
            if number == after:
                raise Killed
            yield piece

    with pytest.raises(Killed):
        predict_to_file([], Path("out.csv"), QUESTION, cut)
    assert not Path("out.csv").exists()
    written = predict_to_file([], Path("out.csv"), QUESTION, made_up(rest))
    kept = after // 2 * 2 * BATCH
    assert rest == many[kept:]
    assert written.answered_before == kept
    assert [str(error) for error in written.unreadable] == [str(BAD)]
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_a_kill_between_the_two_files_of_a_part_costs_that_part(many, monkeypatch):
    write_json = files.write_json

    def kill_at_second(path, value):
        if path.name == "0000001.json":
            raise Killed
        return write_json(path, value)

    monkeypatch.setattr(files, "write_json", kill_at_second)
    with pytest.raises(Killed):
        predict_to_file([], Path("out.csv"), QUESTION, made_up([]))
    monkeypatch.setattr(files, "write_json", write_json)
    assert Path("out.csv.parts/0000001.csv").is_file()
    rest = []
    predict_to_file([], Path("out.csv"), QUESTION, made_up(rest))
    assert rest == many[2 * BATCH :]


@pytest.mark.parametrize("changed", ["top", "pictures", "model", "temperature"])
def test_parts_of_another_question_are_not_gone_on_with(many, changed, monkeypatch):
    def cut(paths):
        yield from list(made_up([])(paths))[:4]

    with pytest.raises(CifarlabError, match="1,024 of 1,797 pictures were answered: give the same command again"):
        predict_to_file([], Path("out.csv"), QUESTION, cut)
    question = QUESTION
    if changed == "top":
        question = Question("runs/tiny", 3)
    elif changed == "pictures":
        many.append("new.png")
    elif changed == "temperature":
        monkeypatch.setattr("cifarlab.inference.bulk.writing.temperature_of", lambda *_: 2.0)
    else:
        model = build()
        model.layers[-1].set_weights([np.zeros((192, 4)), np.zeros(4)])
        model.save("runs/tiny/model.keras")
    with pytest.raises(CifarlabError, match=r"out\.csv\.parts holds parts of other predictions"):
        predict_to_file([], Path("out.csv"), question, made_up([]))


@pytest.mark.parametrize(
    ("file", "content"),
    [("0000000.json", "[]"), ("about.json", "{"), ("0000000.json", '{"pictures": 1, "unreadable": [[1]]}')],
)
def test_damaged_parts_are_refused(many, file, content):
    Path("out.csv.parts").mkdir()
    Path("out.csv.parts", file).write_text(content)
    with pytest.raises(CifarlabError, match=r"out\.csv\.parts is damaged: take it away"):
        predict_to_file([], Path("out.csv"), QUESTION, made_up([]))


def test_two_do_not_write_one_file(many):
    Path("out.csv.parts").mkdir()
    with (
        filelock.FileLock("out.csv.parts/.lock"),
        pytest.raises(CifarlabError, match=r"out\.csv is being written by"),
    ):
        predict_to_file([], Path("out.csv"), QUESTION, made_up([]))


def test_where_none_can_be_read_nothing_is_left(here):
    for path in list(Path("pictures").rglob("*.png")):
        path.write_bytes(b"no picture")
    with pytest.raises(CifarlabError, match="cannot read 6 of 6 pictures"):
        predict_to_file(["pictures"], Path("out.csv"), QUESTION)
    assert {path.name for path in here.iterdir()} == {"runs", "pictures"}


def test_the_file_is_what_predict_prints(here, capsys):
    words = ["predict", "pictures", "pictures/c.png", "--model", "runs/tiny", "--top", "2"]
    assert cli.main([*words, "--csv"]) == 2
    printed = capsys.readouterr()
    assert cli.main([*words, "--output", "out.csv"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert Path("out.csv").read_text("utf-8") == printed.out
    assert len(printed.out.splitlines()) == 1 + 6
    # What was left out, and what cannot be read.
    assert told.err.splitlines()[-2:] == printed.err.splitlines()[-2:]


def test_batches_are_of_one_size_and_answers_do_not_depend_on_them(here):
    classifier = Classifier(Question("runs/tiny", 2, "flip"))
    paths = [str(path) for path in find_pictures(Path("pictures"))[0]]
    whole = classifier.classify(paths)
    apart = [classifier.classify([path]) for path in paths]
    assert "".join(piece.lines for piece in apart) == whole.lines
    assert ",flip," in whole.lines
    assert whole.pictures == 6
    assert [error.name for error in whole.unreadable] == ["pictures/a/bad.png"]


def test_a_url_is_listed_and_read_as_the_folder_is(here):
    pytest.importorskip("fsspec")
    url = (here / "pictures").as_uri()
    folder, left_out = find_pictures(here / "pictures")
    found, others = find_remote(url)
    assert found == [f"file://{path}" for path in folder]
    assert others == left_out
    ours, theirs = (read_pictures_anywhere(list(map(str, names)), (8, 8, 3)) for names in (found, folder))
    np.testing.assert_array_equal(ours[0], theirs[0])
    assert ours[1] == theirs[1]
    assert [error.reason for error in ours[2]] == [error.reason for error in theirs[2]]
    grey = [read_pictures_anywhere(list(map(str, names)), (8, 8, 1))[0] for names in (found, folder)]
    np.testing.assert_array_equal(*grey)


def test_what_a_store_does_not_have_is_said(here):
    pytest.importorskip("fsspec")
    with pytest.raises(CifarlabError, match="there are no pictures at memory://nothing"):
        find_remote("memory://nothing")
    with pytest.raises(CifarlabError, match="cannot list nosuch://x: Protocol not known"):
        find_remote("nosuch://x")
    _, rows, errors = read_pictures_anywhere(["memory://gone.png"], (8, 8, 3))
    assert rows == []
    assert errors[0].fault == "access"


def test_what_is_a_url():
    assert [is_url(name) for name in ("s3://b/x", "a/b.png", "C:\\x.png", "http:/x", "-")] == [True, *[False] * 4]


def test_standard_input_is_no_many():
    with pytest.raises(CifarlabError, match="predict it without --output"):
        list_pictures(["-"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--engine rai", "did you mean ray"),
        ("--engine ray", "give --output FILE"),
        ("--jobs 2", "need --engine ray"),
        ("--address auto", "need --engine ray"),
        ("--output out.csv --json", "leave --json out"),
        ("--output runs", "is a folder"),
        ("--output out.csv --tta mirror", "unknown TTA"),
        ("--output out.csv --model runs/none", "no run at runs/none"),
    ],
)
def test_wrong_words_are_one_line_and_leave_nothing(here, words, said, capsys):
    assert cli.main(["predict", "pictures", "--model", "runs/tiny", *words.split()]) == 2
    assert said in capsys.readouterr().err
    assert {path.name for path in here.iterdir()} == {"runs", "pictures"}


def test_without_ray_the_extra_is_named(here, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else find(name, *more))
    assert cli.main(["predict", "pictures", "--output", "out.csv", "--engine", "ray"]) == 2
    assert "pip install 'cifarlab[ray]'" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_cluster_writes_the_same_file(here):
    pytest.importorskip("ray")
    program = "from cifarlab.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, "predict", "pictures", "--model", "runs/tiny", "--output"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for output, more in (("here.csv", []), ("ray.csv", ["--engine", "ray", "--jobs", "1"])):
        done = subprocess.run([*command, output, *more], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert "cannot read pictures/a/bad.png" in done.stderr.splitlines()[-1]
    assert Path("ray.csv").read_bytes() == Path("here.csv").read_bytes()
    # What is wrong with a worker is one line: a model that is there, and broken.
    Path("runs/tiny/model.keras").write_bytes(b"")
    done = subprocess.run(
        [*command, "x.csv", "--engine", "ray"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot load the model" in done.stderr.splitlines()[-1]


def test_interrupted_it_says_how_to_go_on(here, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cifarlab.inference.bulk.writing.predict_to_file", stop)
    assert cli.main(["predict", "pictures", "--model", "runs/tiny", "--output", "out.csv"]) == 130
    assert "nothing is lost, give the same command again to go on" in capsys.readouterr().err

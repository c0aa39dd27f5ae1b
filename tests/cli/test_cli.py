"""The command line: help is light, and answers can be read by programs and by people."""

import json
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from rich.console import Console

import cifarlab
from cifarlab import recipes as recipe
from cifarlab.cli import main as cli
from cifarlab.cli.tables import cells
from cifarlab.cli.tables import scores as tables
from cifarlab.evaluation import scoring
from cifarlab.inference import prediction
from cifarlab.inference.prediction import ClassProbability, PicturePrediction
from cifarlab.reports import writing
from cifarlab.reports.exploration import folder
from cifarlab.runs.scores import Scores
from cifarlab.training import plan
from cifarlab.utils.json_data import json_data
from cifarlab.utils.results import ClassScores, Interval

COMMANDS = typer.main.get_group(cli.app).commands
INTERVAL = Interval(0.5, 0.4, 0.6, "made up")
SCORES = Scores(
    run="made",
    data="digits",
    split="test",
    looks=1,
    count=4,
    class_names=("cat", "dog"),
    accuracy=0.5,
    loss=1.25,
    scores=dict.fromkeys(("accuracy", "macro_f1", "negative_log_likelihood", "top3_accuracy"), INTERVAL),
    per_class=tuple(ClassScores(name, 2, 2, INTERVAL, INTERVAL, INTERVAL) for name in ("cat", "dog")),
    confusion_matrix=((1, 1), (1, 1)),
)


def shell(line: str) -> subprocess.CompletedProcess:
    program = f"{shlex.quote(sys.executable)} -c 'import sys; from cifarlab.cli.main import main; sys.exit(main())'"
    script = f'set -o pipefail; cifarlab() {{ {program} "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)


def test_output_into_a_full_disk_is_one_line():
    result = shell("cifarlab recipes smoke > /dev/full")
    assert result.returncode == 2
    assert result.stderr == "cifarlab: No space left on device\n"


def test_a_reader_that_has_gone_is_no_error():
    assert shell("cifarlab recipes smoke | true").stderr == ""


def test_help_is_quick_and_loads_nothing_heavy():
    program = """
import resource, sys
from cifarlab.cli.main import main
code = main(["--help"])
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = {"keras", "tensorflow", "jax", "torch", "numpy", "scipy", "sklearn", "matplotlib", "PIL", "rich"}
print(used.ru_utime + used.ru_stime, *heavy & set(sys.modules), file=sys.stderr)
sys.exit(code)
"""
    seconds = []
    for _ in range(5):
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        used, *heavy = result.stderr.split()
        seconds.append(float(used))
        assert heavy == []
        if seconds[-1] < 0.3:
            break
    assert min(seconds) < 0.3


def test_without_words_it_shows_help(capsys):
    assert cli.main([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word, capsys):
    assert cli.main([word]) == 0
    assert capsys.readouterr().out == f"cifarlab {cifarlab.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_help_uses_options_that_exist(name, capsys):
    assert cli.main([name, "--help"]) == 0
    examples = capsys.readouterr().out.partition("Examples:\n")[2].strip().splitlines()
    assert examples
    known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    for example in examples:
        assert f"cifarlab {name}" in example
        words = shlex.split(example.partition(f"cifarlab {name}")[2])
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize(
    ("name", "usage"),
    [("data", "[NAME]"), ("train", "[RECIPE...]"), ("evaluate", "[RUN...]"), ("predict", "IMAGE..."), ("demo", "")],
)
def test_usage_is_plain(name, usage, capsys):
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: cifarlab {name} [OPTIONS] {usage}".rstrip() + "\n")
    assert "<int" not in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_that_names_all_its_options(name):
    page = (Path(__file__).parents[2] / "docs" / "commands" / f"{name}.md").read_text(encoding="utf-8")
    options = [option for parameter in COMMANDS[name].params for option in parameter.opts if option[0] == "-"]
    assert [option for option in options if not re.search(rf"^\|.*`{option}\b", page, flags=re.M)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_one_letter_means_the_same_everywhere(name):
    letters = {"-o": "--output", "-s": "--set", "-n": "--name", "-p": "--port"}
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option[0] == "-" and option[1] != "-":
                assert letters[option] in parameter.opts
        assert ("--output" in parameter.opts) == ("-o" in parameter.opts)


def test_short_forms_are_the_long_ones(empty_folder, capsys):
    assert cli.main(["train", "-h"]) == 0
    assert "-n, --name NAME" in capsys.readouterr().out
    assert cli.main(["train", "smoke", "-s", "epochs=0", "-n", "named"]) == 2
    assert "epochs" in capsys.readouterr().err
    Path("a file").touch()
    assert cli.main(["ladder", "smoke", "-o", "a file"]) == 2
    assert "a file is no folder" in capsys.readouterr().err


def test_it_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cifarlab", "-V"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("cifarlab", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("cifarlab ")


def test_the_shell_completes_recipes_and_runs(make_run):
    run = make_run("made")
    for words, wanted in (("train sm", "smoke"), ("evaluate ", str(run.path)), ("data dig", "digits")):
        line = f"_CIFARLAB_COMPLETE=complete_bash COMP_WORDS='cifarlab {words}' COMP_CWORD=2 cifarlab"
        assert wanted in shell(line).stdout.split()


def test_several_recipes_and_seeds_become_as_many_trainings():
    trainings = plan.plan_trainings(["mlp1", "smoke"], ["epochs=2"], seeds=2)
    assert [(training.recipe, training.seed) for training in trainings] == [
        ("mlp1", 0),
        ("mlp1", 1),
        ("smoke", 0),
        ("smoke", 1),
    ]


def test_a_model_of_ones_own_may_take_anything(empty_folder):
    Path("open.py").write_text("import nothing_that_is_there\ndef build(input_shape, num_classes, **more): ...\n")
    Path("mine.py").write_text('from cifarlab.recipes import Recipe\nRECIPE = Recipe(model="open.py", data="digits")\n')
    assert len(plan.plan_trainings(["mine.py"], ["model.anything=1"])) == 1


def test_the_page_of_an_exploration_and_of_a_report_as_json(empty_folder, monkeypatch, capsys):
    (empty_folder / "summary.json").write_text('{"format": 1}')
    monkeypatch.setattr(folder, "explore", lambda *_, **__: Path("index.html"))
    monkeypatch.setattr(writing, "report", lambda *_, **__: Path("report.html"))
    assert cli.main(["explore", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"page": "index.html", "summary": {"format": 1}}
    assert cli.main(["report", "runs/x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": "report.html"}


@pytest.mark.parametrize(("p", "shown"), [(1.0, "1.00"), (0.2449, "0.24"), (0.0022, "0.0022"), (1e-9, "< 0.0001")])
def test_p_values_as_people_read_them(p, shown):
    assert cells.as_p_value(p) == shown


def test_data_as_json(capsys):
    assert cli.main(["data", "digits", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert sum(split["count"] for split in described["splits"].values()) == 1797


def test_evaluate_as_json_is_a_list_with_accuracy_and_loss(make_run, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "evaluate", lambda run, **_: SCORES)
    assert cli.main(["evaluate", str(make_run().path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["path"], entry["accuracy"], entry["loss"]) == ("runs/made", 0.5, 1.25)


def test_evaluate_one_run_shows_every_score_with_its_interval(make_run, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "evaluate", lambda run, **_: replace(SCORES, notices=("Something to know.",)))
    assert cli.main(["evaluate", str(make_run().path)]) == 0
    shown = capsys.readouterr().out
    for text in ("loss (mean cross-entropy)", "0.4000 to 0.6000", "50.00 %", "Something to know.", "true \\ predicted"):
        assert text in shown


def test_evaluate_several_seeds_shows_mean_and_deviation(make_run, monkeypatch, capsys):
    runs = [make_run(f"seed{seed}", seed) for seed in (0, 1)] + [make_run("again", 1)]
    monkeypatch.setattr(
        scoring, "evaluate", lambda run, **_: replace(SCORES, run=run.name, accuracy=0.5 + 0.02 * run.recipe.seed)
    )
    assert cli.main(["evaluate", *(str(run.path) for run in runs[:2])]) == 0
    assert "2 seeds: accuracy 51.00 ± 1.41 %" in capsys.readouterr().out
    assert cli.main(["evaluate", *(str(run.path) for run in runs[1:])]) == 0
    assert "seeds:" not in capsys.readouterr().out


def test_intervals_of_top3_and_loss_stand_where_they_fit(make_run, monkeypatch, capsys):
    top3 = Interval(0.8, 0.71, 0.89, "made up")
    loss = Interval(1.25, 1.1, 1.4, "made up")
    scores = {**SCORES.scores, "top3_accuracy": top3, "negative_log_likelihood": loss}
    monkeypatch.setattr(scoring, "evaluate", lambda run, **_: replace(SCORES, run=run.name, scores=scores))
    paths = [str(make_run(name).path) for name in ("one", "two")]
    for width in (160, 90):
        monkeypatch.setattr(tables, "make_console", lambda width=width: Console(width=width))
        assert cli.main(["evaluate", *paths]) == 0
        shown = capsys.readouterr().out
        assert "80.00 %" in shown
        assert "1.2500" in shown
        assert shown.count("40.00 to 60.00") == 4  # accuracy and F1 of two runs
        assert shown.count("71.00 to 89.00") == shown.count("1.1000 to 1.4000") == (2 if width == 160 else 0)
        assert max(map(len, shown.splitlines())) <= width


def test_people_have_a_line(make_run, monkeypatch, capsys):
    shares = ("shared_mistakes", "accuracy_against_majority", "human_accuracy", "agreement")
    entropies = ("cross_entropy", "human_entropy", "divergence")
    human = {"count": 9, "tied": 0, "mistakes": 2, **dict.fromkeys((*shares, *entropies), json_data(INTERVAL))}
    monkeypatch.setattr(scoring, "evaluate", lambda run, **_: replace(SCORES, run=run.name, human=human))
    paths = [str(make_run(name).path) for name in ("one", "two")]
    for runs in (paths[:1], paths):
        assert cli.main(["evaluate", *runs, "--human-labels", "counts.npy"]) == 0
        shown = capsys.readouterr().out
        assert shown.count("predicts the majority label of 50.00 % (40.00 to 60.00) of the images") == len(runs)


def test_runs_that_answered_other_images_have_a_table_of_their_own(make_run, monkeypatch, capsys):
    about = {"one": ("a", 1), "two": ("b", 4), "three": ("a", 1), "four": ("c", 1)}
    monkeypatch.setattr(
        scoring,
        "evaluate",
        lambda run, **_: replace(SCORES, run=run.name, images=about[run.name][0], count=about[run.name][1]),
    )
    assert cli.main(["evaluate", *(str(make_run(name).path) for name in about)]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    headers = ["1 test image of digits", "4 test images of digits", "1 test image of digits (others than those above)"]
    assert [line for line in lines if "of digits" in line] == headers
    first, second, third = (lines.index(header) for header in headers)
    rows = {name: next(at for at, line in enumerate(lines) if line.startswith(f"{name} ")) for name in about}
    assert first < rows["one"] < rows["three"] < second < rows["two"] < third < rows["four"]


CAT = (ClassProbability("cat", 0.75),)
ANSWERS = [PicturePrediction("a, b.png", None, CAT)]
ANSWERS_AS_JSON = [{"image": "a, b.png", "top": [{"class_name": "cat", "probability": 0.75}]}]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--json", json.dumps(ANSWERS_AS_JSON, indent=2) + "\n"),
        ("--csv", 'image,class_1,probability_1\n"a, b.png",cat,0.750000\n'),
    ],
)
def test_predictions_for_programs(option, expected, monkeypatch, capsys):
    monkeypatch.setattr(prediction, "predict", lambda *_, **__: ANSWERS)
    assert cli.main(["predict", "a, b.png", "--model", "runs/x", option]) == 0
    assert capsys.readouterr().out == expected


def test_test_time_augmentation_is_named_wherever_its_numbers_stand(make_run, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "evaluate", lambda run, tta, **_: replace(SCORES, run=run.name, tta=tta))
    paths = [str(make_run(name).path) for name in ("one", "two")]
    for runs in (paths[:1], paths):
        assert cli.main(["evaluate", *runs, "--tta", "flip-shift"]) == 0
        assert "4 test images of digits, TTA flip-shift" in capsys.readouterr().out
    assert cli.main(["evaluate", *paths, "--tta", "flip", "--json"]) == 0
    assert [entry["tta"] for entry in json.loads(capsys.readouterr().out)] == ["flip", "flip"]
    answers = [PicturePrediction("a.png", "flip", CAT)]
    monkeypatch.setattr(prediction, "predict", lambda *_, **__: answers)
    assert cli.main(["predict", "a.png", "--model", "runs/x", "--tta", "flip"]) == 0
    assert "TTA flip" in capsys.readouterr().out
    assert cli.main(["predict", "a.png", "--model", "runs/x", "--tta", "flip", "--csv"]) == 0
    assert capsys.readouterr().out == "image,tta,class_1,probability_1\na.png,flip,cat,0.750000\n"


def test_recipes_are_listed_with_what_to_expect(capsys):
    assert cli.main(["recipes", "--json"]) == 0
    recipes = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert recipes["mlp1"]["summary"].startswith("Model 1")
    assert recipes["smoke"]["expected"].startswith("Expect")


def test_a_recipe_is_printed_whole_and_can_be_trained_from(empty_folder, capsys):
    assert cli.main(["recipes", "mlp1"]) == 0
    Path("mine.py").write_text(capsys.readouterr().out, encoding="utf-8")
    assert recipe.load_recipe("mine.py") == recipe.load_recipe("mlp1")

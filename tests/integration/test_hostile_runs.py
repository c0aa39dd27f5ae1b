"""SECURITY.md's contract: whoever opens a run from somebody else executes nothing that the run names or brings."""

import importlib
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab.cli import main as cli
from cifarlab.training import fit
from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.web import jobs
from cifarlab.web.pages.sections import NAMES
from cifarlab.web.routes.run import TABS
from cifarlab.web.server.application import create_app
from cifarlab.web.settings import Settings

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
# How each command is given a run, or a recipe that lies in one. A new command must say so here.
WORDS = {
    "calibrate": ("calibrate {run}",),
    "compare": ("compare {run} {other}",),
    "data": (),  # its data set is named by the user
    "demo": (),  # opens nothing
    "doubts": ("doubts {run} --no-duplicates", "doubts {run} --split validation"),
    "evaluate": ("evaluate {run}", "evaluate {run} --split validation", "evaluate {run} --data digits"),
    "explore": (),  # as data
    "export": ("export {run} --to onnx", "export {run} --to onnx --quantise int8"),
    "find_rate": ("find-rate {run}/recipe.json",),
    "image": ("image test/3 --runs {run}", "image train/3 --runs {run} {other}"),
    "ladder": ("ladder smoke --runs-dir {runs}", "ladder {run}/recipe.json --runs-dir {runs}"),
    "machine": (),  # opens nothing
    "permutation": ("permutation {run}/recipe.json",),
    "predict": ("predict {picture} --model {run}", "predict {picture} --model {run} --tta flip"),
    "recipes": ("recipes {run}/evil.py",),
    "report": ("report {run}", "report {run} {other} --stories 1"),
    "robustness": ("robustness {run} --corruptions fog --severities 1 --limit 5 --attacks none",),
    "serve": (),  # its routes are walked below
    "sweep": ("sweep {run}/recipe.json --over learning_rate=0.001,0",),  # refused once the recipe is read
    "train": (
        "train {run}/recipe.json",
        "train {run}/recipe.json --set model=mlp",
        "train {run}/recipe.json --data digits",
        "train --resume {run}",
    ),
    "tune": ("tune {run}/recipe.json --fix validation_fraction=0",),  # refused once all is read, before any training
    "verify": ("verify {run}",),
}


def _name_data(run, code):
    change(run.data_file, name=code)


def _name_data_of_recipe(run, code):
    change(run.data_file, name=code)
    change(run.recipe_file, data=code)


def _name_model(run, code):
    change(run.recipe_file, model=code, model_args={})


def _need_layers(run, code):
    _name_model(run, code)
    _edit_config(run, {"class_name": "Evil", "registered_name": "evil>Evil", "module": "evil", "config": {"name": "e"}})


def _bring_lambda(run, code):
    import keras

    source = str((run.path / "executed").resolve())
    function = eval(f"lambda x: (__import__('pathlib').Path({source!r}).touch(), x)[1]")
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.add(keras.layers.Lambda(function))
    model.save(run.model_file)
    (run.path / "executed").unlink(missing_ok=True)  # building it has called it


def _pickle_arrays(run, code):
    for name in ("predictions-test.npz", "predictions-validation.npz", "dynamics.npz", "checkpoint.npz"):
        np.savez(run.path / name, ids=np.array([Bomb(run.path / "executed")], object), logits=np.zeros((1, 10)))


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


HOSTILE = (_name_data, _name_data_of_recipe, _name_model, _need_layers, _bring_lambda, _pickle_arrays)


def change(path, **values):
    files.write_json(path, {**json.loads(path.read_text()), **values})


def _edit_config(run, layer):
    import keras

    inputs = keras.Input((32, 32, 3))
    hidden = keras.layers.Dense(4, activation="relu")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, keras.layers.Dense(10, name="logits")(hidden)).save(run.model_file)
    with zipfile.ZipFile(run.model_file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    config["config"]["layers"][1].update(layer)
    content["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(run.model_file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.fixture(params=HOSTILE, ids=lambda poison: poison.__name__.strip("_"))
def hostile(request, tmp_path, monkeypatch, make_run):
    """A run folder from somebody else, and one of the user's own beside it."""
    monkeypatch.chdir(tmp_path)
    run = make_run(Path("runs"), "theirs")
    make_run(Path("runs"), "mine")
    code = run.path / "evil.py"
    code.write_text(f"import pathlib\npathlib.Path({str((run.path / 'executed').resolve())!r}).touch()\n")
    _edit_config(run, {})
    change(run.recipe_file, epochs=1, batch_size=500)
    change(run.data_file, class_names=[f"digit {number}" for number in range(10)])
    change(run.environment_file, backend=BACKEND)
    np.savez(run.checkpoint_file, notes="{}")
    files.write_json(run.first_steps_file, {"format": 1, "marks": [{"step": 0, "checksum": "", "sample": [0.0]}]})
    request.param(run, str(code))
    if request.param is not _pickle_arrays:
        run.set_state("finished")
    return run


class JobHere:
    """A job with the very words of its command, but in this process: one that imports Keras anew takes ten seconds."""

    pid = 1

    def __init__(self, command, **_options):
        assert command[:3] == [sys.executable, "-c", jobs._PROGRAM]
        self.code = cli.main(command[3:])

    def poll(self):
        return self.code

    wait = poll


def executed() -> list[Path]:
    return sorted(Path().rglob("executed"))


def test_the_poison_works(hostile):
    """Named by the user, the code of these runs does what is looked for below."""
    if (hostile.path / "evil.py").is_file():
        own_code.allow(str(hostile.path / "evil.py"))
        discovery.load("models", str(hostile.path / "evil.py"))
        assert executed()


def test_every_command_says_how_it_opens_a_run():
    assert list(WORDS) == discovery.names("cli.commands")


def _begin_no_training(*_arguments, **_options):
    """By then recipe, model and data are read; the epochs themselves read nothing more, and compiling them is slow."""
    raise CifarlabError("no training is begun here")


def test_no_command_executes_what_a_run_names(hostile, undrawn, without_figures, exported_here, capsys, monkeypatch):
    Image.new("RGB", (40, 40), "red").save("picture.png")
    places = {"run": "runs/theirs", "other": "runs/mine", "runs": "runs", "picture": "picture.png"}
    for words in itertools.chain(*WORDS.values()):
        if "--resume" in words:
            hostile.set_state("stopped", "interrupted")
        with monkeypatch.context() as patched:
            if "recipe.json" in words or words.startswith("verify"):
                patched.setattr(fit, "engine_class", _begin_no_training)
            code = cli.main(shlex.split(words.format(**places)))
        errors = capsys.readouterr().err
        assert not executed(), words
        assert code in (0, 2), words
        assert "Traceback" not in errors, words
        if "is Python code that only a file names" in errors:
            assert code == 2
            assert "--code" in errors


PARTS = {
    "name": ["theirs", *NAMES],
    "run": ["theirs"],
    "id": ["theirs"],
    "tab": list(TABS),
    "verb": ["tag"],
    "slug": ["digits", "evil", "runs-theirs-evil-py"],
    "image_id": ["test-00003"],
    "version": ["1"],
    "code": ["AAAAAA"],
    "kind": ["png"],
    "part": ["best-trials"],
    "figure": ["optimisation_history"],
    "number": ["1"],
    "trial": ["1"],
}
QUERY = {"run": ["theirs", "mine"], "runs": ["theirs", "mine"], "split": "test", "model": "theirs", "neighbours": "1"}


def test_no_route_executes_what_a_run_names(hostile, undrawn, without_figures, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", JobHere)
    data_name, requests, has_begun = hostile.data_name, 0, False
    with open_app() as client:
        # What takes the run away comes last.
        for route in sorted(_routes(), key=lambda each: each.path.endswith("/delete")):
            names = re.findall(r"{(\w+)", route.path)
            for values in itertools.product(*(PARTS[name] for name in names)):
                path = re.sub(r"{(\w+)[^}]*}", "{}", route.path).format(*values)
                for method in route.methods:
                    if method == "POST":
                        data = {"model": "theirs", "neighbours": "1", "split": "test", "recipe": "smoke"}
                        sent = picture() if path in ("/classify", "/v1/predict") else {}
                        answer = client.post(path, data=data, files=sent)
                    else:
                        answer = client.get(path, params=QUERY)
                    requests += 1
                    has_begun = has_begun or bool(client.app.state.jobs.all())
                    assert not executed(), path
                    assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text[-500:])
        assert has_begun or data_name != "digits"  # whose data nobody named is not evaluated
        assert requests > 30
    assert not executed()


@pytest.mark.parametrize("hostile", [_name_model], indirect=True, ids=["name_model"])
def test_no_job_executes_what_a_run_names(hostile):
    started = jobs.Jobs(Settings(runs_dir=Path("runs"), data="digits"))
    job = started.evaluate("theirs", "test", "digits")
    assert job.process.wait(120) in (0, 2), started.log("theirs", evaluation=True)
    assert not executed()


@pytest.mark.parametrize("hostile", [_name_data], indirect=True, ids=["name_data"])
def test_the_page_says_in_words_why_it_shows_no_training_images(hostile):
    with open_app() as app:
        for _ in range(5):  # the first question looks for them in the background
            shown = app.post("/classify", data={"model": "theirs", "neighbours": "1"}, files=picture())
            assert shown.status_code == 200
            if "nothing of it was executed" in shown.text:
                break
            for thread in threading.enumerate():
                if thread.name == "training images":
                    thread.join(60)
    assert "nothing of it was executed" in shown.text
    assert "--code runs/theirs/evil.py" in shown.text
    assert not executed()


@pytest.mark.parametrize("hostile", [_need_layers], indirect=True, ids=["need_layers"])
def test_the_api_says_in_words_why_a_model_is_not_asked(hostile):
    with open_app() as app:
        answer = app.post("/v1/predict", data={"model": "theirs"}, files=picture())
    assert answer.status_code == 409
    assert "--code" in answer.json()["detail"]
    assert not executed()


def open_app():
    return TestClient(create_app(Settings(runs_dir=Path("runs"), data="digits")), base_url="http://127.0.0.1:8000")


def picture():
    file = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(file, "png")
    return {"images": ("picture.png", file.getvalue())}


def _routes():
    for name in discovery.names("web.routes"):
        module = importlib.import_module(f"cifarlab.web.routes.{name}")
        yield from (route for route in module.router.routes if isinstance(route, APIRoute))

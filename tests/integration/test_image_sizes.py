"""Pictures of 64 x 64 pixels through every command and every page: nothing counts on 32."""

import importlib
import itertools
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab.cli import main as cli
from cifarlab.runs import open_run
from cifarlab.utils import discovery
from cifarlab.web.pages.sections import NAMES
from cifarlab.web.routes.run import TABS
from cifarlab.web.server.application import create_app
from cifarlab.web.settings import Settings

SIDE = 64
DATA = f"folder:pictures?size={SIDE}"
SMALL = "--epochs 1 --batch-size 20"
# In this order: what one leaves, the next may need.
WORDS = {
    "data": (f"data {DATA}", f"data {DATA} --json"),
    "train": (
        f"train smoke --data {DATA} {SMALL} --name first",
        f"train smoke --data {DATA} {SMALL} --name second --seed 1",
        f"train --from runs/first --data {DATA} {SMALL} --name third",
    ),
    "evaluate": ("evaluate runs/first runs/second", "evaluate runs/first --split validation --tta flip-shift"),
    "calibrate": ("evaluate runs/first --split validation", "calibrate runs/first"),
    "compare": ("compare runs/first runs/second",),
    "doubts": ("doubts runs/first",),
    "export": ("export runs/first --to onnx --output exported",),
    "explore": (f"explore {DATA} --output explored",),
    "image": ("image test/0 --runs runs/first runs/second",),
    "permutation": (f"permutation smoke --data {DATA} --set epochs=1 --set batch_size=20",),
    "predict": ("predict pictures/red/000.png --model runs/first", "predict photo.png --model runs/first --tta flip"),
    "report": ("report runs/first --stories 1", "report runs/first runs/second --output both.html"),
    "robustness": ("robustness runs/first --severities 1,5 --limit 4",),
    "verify": ("verify runs/first",),
}
ELSEWHERE = {"demo", "find_rate", "ladder", "machine", "recipes", "serve", "sweep", "tune"}
"""Of CIFAR-10, of no pictures, or trainings as above; `serve` is walked below."""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with pictures of 64 x 64 pixels, reddish and bluish ones, and a larger photo."""
    root = tmp_path_factory.mktemp("sizes")
    random = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        (root / "pictures" / name).mkdir(parents=True)
        for number in range(60):
            pixels = random.integers(0, 200, (SIDE, SIDE, 3), dtype=np.uint8)
            pixels[:, :, channel] += 55
            Image.fromarray(pixels).save(root / "pictures" / name / f"{number:03d}.png")
    Image.new("RGB", (200, 100), "red").save(root / "photo.png")
    return root


@pytest.fixture(autouse=True)
def _there(here, undrawn, monkeypatch):
    monkeypatch.chdir(here)


def test_every_command_is_walked_or_needs_no_walk():
    assert sorted({*WORDS, *ELSEWHERE}) == discovery.names("cli.commands")


def test_every_command_takes_64_pixels(exported_here, capsys):
    for words in itertools.chain(*WORDS.values()):
        code = cli.main(shlex.split(words))
        said = capsys.readouterr()
        assert code == 0, (words, said.err)
    run = open_run("runs/first")
    assert run.predictions("test").logits.shape[1] == 2
    assert cli.main(["train", "--from", "builtin", "--data", DATA]) == 2
    assert "give --data 'folder:pictures?size=32&channels=3'" in capsys.readouterr().err


def test_every_page_takes_64_pixels(here):
    """After the commands: their runs are shown."""
    image_id = str(open_run("runs/first").predictions("test").ids[0])
    parts = {"name": ["first", *NAMES], "run": ["first"], "tab": list(TABS), "image_id": [image_id], "version": ["1"]}
    settings = Settings(runs_dir=Path("runs"), data=DATA)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
        from cifarlab.web.pages.data_set import slug_of

        parts["slug"] = [slug_of(DATA)]
        asked = []
        for route in _routes():
            names = re.findall(r"{(\w+)", route.path)
            if "GET" not in route.methods or not set(names) <= set(parts):
                continue
            for values in itertools.product(*(parts[name] for name in names)):
                path = re.sub(r"{(\w+)[^}]*}", "{}", route.path).format(*values)
                query = {"run": ["first", "second"], "runs": ["first", "second"], "model": "first"}
                answer = client.get(path, params=query)
                assert answer.status_code < 500 or path == "/readyz", (path, answer.text[-500:])
                asked.append((path, answer.status_code))
        assert sum(code == 200 for _, code in asked) > 20, asked
        with Path("photo.png").open("rb") as photo:
            answer = client.post("/v1/predict", data={"model": "first"}, files={"images": ("photo.png", photo)})
        assert answer.status_code == 200
        assert {each["class_name"] for each in answer.json()["predictions"][0]["top"]} <= {"red", "blue"}
        files = {"picture": ("photo.png", Path("photo.png").read_bytes())}
        assert client.post("/classify", data={"model": "first", "neighbours": "1"}, files=files).status_code == 200


def _routes():
    for name in discovery.names("web.routes"):
        module = importlib.import_module(f"cifarlab.web.routes.{name}")
        yield from (route for route in module.router.routes if isinstance(route, APIRoute))

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image

import cifarlab as cl
from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.datasets.exploration import embedding
from cifarlab.datasets.exploration.facts import to_json
from cifarlab.datasets.exploration.findings import find
from cifarlab.reports.exploration import figures
from cifarlab.reports.exploration import folder as exploration
from cifarlab.reports.exploration.page import render_page
from cifarlab.utils.errors import CifarlabError


def image_set(images, labels, split, class_names=("cat", "<dog> & $co")):
    ids = np.array([f"{split}-{number}" for number in range(len(images))], dtype=str)
    return ImageSet(images, np.asarray(labels, dtype=np.int64), ids, class_names)


def splits(train, test, labels=(0, 1), **options):
    train_labels = np.arange(len(train)) % 2
    validation = image_set(train[:0], train_labels[:0], "validation", **options)
    source = Source("tiny", "memory", "made up")
    return Splits(
        image_set(train, train_labels, "train", **options), validation, image_set(test, labels, "test"), source
    )


def noise(count, channels=3, size=32):
    return np.random.default_rng(count).integers(0, 256, (count, size, size, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored") / "digits"
    stages = []
    page = cl.explore("digits", output=folder, map_images=60, progress=lambda *stage: stages.append(stage))
    return page, stages


def test_the_page_holds_everything_and_asks_for_nothing(digits):
    page, _ = digits
    html = page.read_text(encoding="utf-8")
    assert page.name == "index.html"
    assert len(html) < 4_000_000
    addresses = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", html) + re.findall(r"url\(([^)]*)\)", html)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "<script" not in html
    assert "@import" not in html
    assert all('alt="' in tag and 'alt=""' not in tag for tag in re.findall(r"<img[^>]*>", html))
    assert "{{" not in html
    assert "nan" not in re.sub(r"base64,[\w+/=]+", "", html).lower().split()


def test_pairs_of_pictures_too_plain_to_be_copies_are_folded_away(digits):
    html = digits[0].read_text(encoding="utf-8")
    folded = html.partition('<details class="gallery">')[2].partition("</details>")[0]
    assert "rather than that they are copies" in html
    assert folded.count('class="pairs"') == html.count('class="pairs"') > 0


def test_every_figure_lies_beside_the_page(digits):
    folder = digits[0].parent
    names = {path.name for path in folder.iterdir()}
    figures = {"class-counts", "class-samples", "class-means", "brightness", "map-pca", "map-tsne"}
    assert {f"{name}.png" for name in figures} | {"index.html", "summary.json", "duplicates.csv"} <= names
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 100


def test_the_summary_and_the_pairs_agree(digits):
    folder = digits[0].parent
    summary = json.loads((folder / "summary.json").read_text())
    with (folder / "duplicates.csv").open() as file:
        rows = list(csv.DictReader(file))
    places = summary["duplicates"]["pairs"]
    assert sum(place["exact"] + place["near"] for place in places.values()) == len(rows)
    assert sum(place["conflicting"] for place in places.values()) == sum(row["conflicting"] == "yes" for row in rows)
    leaked = {row[f"{side}_id"] for row in rows for side, other in (("first", "second"), ("second", "first"))
              if row[f"{side}_split"] == "test" and row[f"{other}_split"] != "test"}  # fmt: skip
    assert summary["duplicates"]["test_images_with_a_twin_in_training"] == len(leaked)
    assert sum(part["count"] for part in summary["data"]["splits"].values()) == 1797


def test_progress_runs_from_nothing_to_all(digits):
    fractions = [fraction for _, fraction in digits[1]]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)


def test_the_home_page_of_a_site_is_kept(tmp_path):
    home = tmp_path / "index.html"
    home.write_text("my site", encoding="utf-8")
    with pytest.raises(CifarlabError, match="not a report"):
        cl.explore("digits", output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert home.read_text(encoding="utf-8") == "my site"


def test_conflicting_twins_are_marked_and_names_are_escaped():
    train, test = noise(12), noise(2)
    test[1] = train[0]
    found = find(splits(train, test), map_images=8)
    facts = to_json(found)["duplicates"]
    assert facts["pairs"]["between training and test"] == {"exact": 1, "near": 0, "mirrored": 0, "conflicting": 1}
    assert facts["test_images_with_a_twin_in_training"] == 1
    html = render_page(found)
    assert "cat ≠ &lt;dog&gt; &amp; $co" in html
    assert "<dog>" not in html


@pytest.mark.parametrize(("channels", "size", "count"), [(1, 28, 20), (3, 8, 20), (3, 32, 3)])
def test_grey_small_and_few_images_make_a_page(channels, size, count):
    found = find(splits(noise(count, channels, size), noise(2, channels, size)), map_images=10)
    assert (found.image_map is None) == (count == 3)
    html = render_page(found)
    assert ("one grey channel" in html) == (channels == 1)
    if channels == 1:
        assert len(figures.draw_files(found)) == 6


@pytest.mark.thorough
def test_a_hundred_classes_and_no_test_images_make_a_small_page():
    names = tuple(f"class {number}" for number in range(100))
    images = noise(300)
    ids = np.array([str(number) for number in range(300)])
    train = ImageSet(images, np.arange(300) % 99, ids, names)
    nothing = train.take(np.zeros(300, dtype=bool))
    found = find(Splits(train, nothing, nothing, Source("many", "memory", "made up")), map_images=100)
    assert len(render_page(found)) < 4_000_000
    assert found.counts["train"][99] == 0
    assert json.dumps(to_json(found), allow_nan=False)


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(cl.CifarlabError, match="cannot write into"):
        cl.explore("digits", output=tmp_path / "file" / "page")


@pytest.mark.parametrize(
    ("name", "folder"),
    [("cifar10", "cifar10"), ("folder:/data/my pets/", "folder-my-pets"), ("/x/my_data.py", "my_data")],
)
def test_the_default_folder_is_named_after_the_data(name, folder):
    assert exploration._folder_name(name) == folder


def test_the_nearest_neighbour_share_counts_other_points_only():
    points = np.array([[0, 0], [0, 0], [5, 5], [5, 6], [9, 9], [9, 9.5]])
    assert embedding.same_class_share(points, np.array([0, 0, 1, 1, 0, 1])) == pytest.approx(4 / 6)


def test_the_same_seed_gives_the_same_maps():
    images = noise(24)
    one, other = (embedding.project(images, seed=1) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert embedding.project(np.zeros((20, 4, 4, 1), dtype=np.uint8), seed=1) is None

"""Galleries say the same numbers as every other page, and which runs their label error scores do without."""

import re

import numpy as np
import pytest

from cifarlab.runs import open_run
from cifarlab.utils.text import percent

TILE = re.compile(
    r'aria-label="(\w+), predicted as (\w+), ([\d.]+ %) confidence \(([^)]+)\)".*?class="sure">([\d.]+.%)<', re.S
)


@pytest.mark.parametrize("mark", ["", "&mark=1"])
def test_a_confidence_is_rounded_as_on_the_images_own_page(pages, made_runs, mark, text_of):
    predictions = open_run(made_runs / "first").predictions("test")
    tiles = TILE.findall(pages.get(f"/runs/first/mistakes?sort=confidence{mark}").text)
    assert len(tiles) > 20
    sure = dict(zip(predictions.ids.tolist(), predictions.probabilities.max(axis=1).tolist(), strict=True))
    for _, _, spoken, image_id, shown in tiles:
        assert spoken == shown.replace("\N{NO-BREAK SPACE}", " ") == percent(sure[image_id], 1)
    _, _, spoken, image_id, _ = tiles[0]
    assert spoken in text_of(pages.get(f"/images/digits/{image_id}?ask=first").text).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("address", ["/runs/first/mistakes", "/data/digits?sort=doubt"])
def test_a_run_whose_predictions_are_damaged_is_named_and_hides_nothing(own_pages, runs_dir, address, text_of):
    before = own_pages.get(address).text
    assert "Label error scores without" not in before
    file = open_run(runs_dir / "second").predictions_file("test")
    file.write_bytes(b"PK junk")
    text = own_pages.get(address).text
    (told,) = re.findall(r'<p class="notice" role="note">(.*?)</p>', text)
    assert text_of(told).startswith(f"Label error scores without second (cannot read predictions from {file}: ")
    assert 'name="doubt"' in text  # those of the others can be filtered by
    assert re.search('pooled over first[."]', text)
    file.unlink()
    np.savez(file, ids=np.array(["a"]))
    assert "without second" in text_of(own_pages.get(address).text)

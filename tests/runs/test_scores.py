"""The scores of a run: what people see of them, and that what is of no use is left out of their JSON."""

from cifarlab import metrics
from cifarlab.utils.json_data import json_data


def test_a_run_s_scores_are_a_table_where_they_are_shown(make_run, tmp_path):
    scores = make_run(tmp_path, "first").scores()
    text = str(scores)
    assert text.startswith("first: 120 test images of digits\nscore ")
    assert f"{100 * scores.accuracy:.2f} %" in text
    assert "<td>macro F1</td>" in scores._repr_html_()


def test_scores_of_plain_arrays_say_what_they_are_of():
    scores = metrics.score([0, 1, 1], [0, 1, 0])
    assert str(scores).startswith("3 images\n")
    assert "needs probabilities" in str(scores)
    assert not {"run", "split", "tta", "human", "overlap"} & set(json_data(scores))

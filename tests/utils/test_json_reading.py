"""What was written as JSON is read as the same dataclass; older files get defaults, damaged ones one line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import OPTIONAL, json_data
from cifarlab.utils.json_reading import from_json, read_result
from cifarlab.utils.results import Interval


@dataclass(frozen=True)
class Found:
    name: str
    share: float
    parts: Mapping[str, Interval]
    rows: tuple[tuple[int, ...], ...] = ()
    told: bool = True
    asked: int | None = None
    extra: Interval | None = field(default=None, metadata=OPTIONAL)


WHOLE = Found("a", 0.5, {"x": Interval(1.0, None, None, "m")}, ((1, 2), (3, 4)), False, 3, Interval(0.1, 0.0, 0.2))


@pytest.mark.parametrize("found", [WHOLE, Found("b", 1.0, {})])
def test_what_is_written_is_read(found):
    assert from_json(Found, json.loads(json.dumps(json_data(found)))) == found


def test_an_optional_field_is_no_key_where_it_is_none():
    stored = json_data(Found("b", 1.0, {}))
    assert "extra" not in stored
    assert stored["asked"] is None


def test_what_a_file_of_another_version_lacks_or_adds_is_no_damage():
    assert from_json(Found, {"name": "b", "share": 1, "parts": {}, "later": [1]}) == Found("b", 1.0, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"share": "half"}, "share is 'half', expected float"),
        ({"share": True}, "share is True, expected float"),
        ({"asked": 0.5}, "asked is 0.5, expected int"),
        ({"name": None}, "name is None, expected str"),
        ({"parts": [1]}, r"parts is \[1\], expected Mapping"),
        ({"parts": {"x": 3}}, "parts.x is 3, expected Interval"),
        ({"parts": {"x": {"value": 1}}}, "parts.x lacks low, high"),
        ({"rows": [[1, "2"]]}, r"rows\[0\]\[1\] is '2', expected int"),
        ({"rows": "1" * 99}, r"rows is '1+\.\.\., expected tuple"),
    ],
)
def test_damage_is_one_line_with_the_command_that_mends_it(change, said, tmp_path):
    path = tmp_path / "found.json"
    path.write_text(json.dumps({**json_data(WHOLE), **change}))
    with pytest.raises(CifarlabError, match=rf"found\.json is damaged \({said}\): run cifarlab evaluate x$"):
        read_result(Found, path, "cifarlab evaluate x")

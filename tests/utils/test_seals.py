import json

import pytest

from cifarlab.utils.seals import check_seal, seal

VALUE = {"temperature": {"value": 1.5, "low": None}, "names": ["a", "ü"], "count": 3}


def test_a_seal_holds_through_the_disk():
    check_seal(json.loads(json.dumps(seal(VALUE), indent=2)))
    check_seal(json.loads(json.dumps(seal(VALUE), sort_keys=True, ensure_ascii=False)))
    assert seal(seal(VALUE)) == seal(VALUE)


@pytest.mark.parametrize(
    "change",
    [{"count": 4}, {"count": 3.0}, {"names": ["a"]}, {"temperature": {"value": 1.25}}, {"new": 1}],
)
def test_a_changed_value_is_seen(change):
    with pytest.raises(ValueError, match="its checksum is of another content"):
        check_seal({**seal(VALUE), **change})


def test_what_has_no_seal_passes():
    check_seal(VALUE)
    check_seal([1])
    check_seal({"checksum": 3})

import pytest

import cifarlab
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import FORMAT, check_format, stamped, unstamped


def test_what_is_written_says_its_format_and_who_wrote_it():
    content = {"name": "digits"}
    assert stamped(content) == {"format": FORMAT, "cifarlab": cifarlab.__version__, "name": "digits"}
    assert unstamped(stamped(content)) == content
    # Written again, it is of who writes it now.
    assert stamped({"format": 0, "cifarlab": "0.1", **content}) == stamped(content)


@pytest.mark.parametrize("value", [{}, {"format": FORMAT}, {"format": "2"}, {"format": True}, [], None, 9])
def test_earlier_files_and_others_are_not_refused(tmp_path, value):
    check_format(tmp_path / "data.json", value)


def test_a_later_format_is_refused_with_who_wrote_it_and_the_way_on(tmp_path):
    with pytest.raises(CifarlabError, match=r"data\.json is of format 2, written by cifarlab 9\.1; .* update it \(pip"):
        check_format(tmp_path / "data.json", {"format": 2, "cifarlab": "9.1"})
    with pytest.raises(CifarlabError, match=r"written by a later version of cifarlab; .*knows format 4"):
        check_format(tmp_path / "data.json", {"format": 5, "cifarlab": 9}, newest=4)

import pytest

from cifarlab.utils import limits
from cifarlab.utils.errors import CifarlabError


def test_a_file_may_announce_a_gibibyte_or_what_it_holds(monkeypatch):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    limits.check_bytes("it", 2**30)
    limits.check_bytes("it", 5 * 2**30, stored=5 * 2**30)
    with pytest.raises(limits.TooLargeError, match=r"it announces 93\.0 GiB of content in a file of 1\.0 KiB"):
        limits.check_bytes("it", 93 * 2**30, stored=1024)


def test_rows_and_cells_have_limits_that_the_user_raises(monkeypatch):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    limits.check_rows("it", 2_097_152)
    with pytest.raises(limits.TooLargeError, match="20,000,000 rows, and there is room for 2,097,152"):
        limits.check_rows("it", 20_000_000)
    with pytest.raises(limits.TooLargeError, match="16,777,217 cells"):
        limits.check_cells("it", 2**24 + 1)
    monkeypatch.setenv(limits.VARIABLE, "16384")
    limits.check_rows("it", 20_000_000)
    limits.check_cells("it", 2**24 + 1)


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5", "1_000", "9" * 30, "²"])
def test_the_limit_is_a_whole_number(monkeypatch, given):
    monkeypatch.setenv(limits.VARIABLE, given)
    with pytest.raises(CifarlabError, match="CIFARLAB_MAX_MB is the memory one file may take, in MiB"):
        limits.most_bytes()

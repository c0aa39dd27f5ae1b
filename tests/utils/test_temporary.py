import errno
import os
import tempfile
from pathlib import Path

import pytest

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.temporary import temporary_folder


def test_a_folder_for_a_while():
    with temporary_folder() as folder:
        (folder / "file").write_text("")
    assert not folder.exists()


def test_no_place_for_temporary_files_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    line = (
        rf"^cannot write temporary files in {tmp_path}/gone: No such file or directory; .* another folder with TMPDIR$"
    )
    with pytest.raises(CifarlabError, match=line), temporary_folder():
        pytest.fail("a folder in no folder")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_place_for_temporary_files_is_one_line(number):
    line = f"cannot write temporary files in .*: {os.strerror(number)}; free some"
    with pytest.raises(CifarlabError, match=line), temporary_folder() as folder:
        raise OSError(number, os.strerror(number))
    assert not folder.exists()


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), temporary_folder():
        Path(tmp_path / "nothing").read_text()

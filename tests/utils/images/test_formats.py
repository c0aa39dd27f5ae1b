"""Plug-ins for HEIC: read where there is one, named where there is none."""

import io
import sys
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from cifarlab.utils.images import PictureError, _formats, list_pictures, read_image

MARK = b"\0\0\0\x18ftypheic"


class FakeHeif(ImageFile.ImageFile):
    """A PNG behind the first bytes of a HEIC file."""

    format = "HEIF"

    def _open(self):
        inner = PngImagePlugin.PngImageFile(io.BytesIO(self.fp.read()[len(MARK) :]))
        inner.load()
        self.im, self._size, self._mode, self.tile = inner.im, inner.size, inner.mode, []


@pytest.fixture
def plug_in(monkeypatch):
    module = ModuleType("pillow_heif")
    module.register_heif_opener = lambda: (  # type: ignore[attr-defined]
        Image.register_open("HEIF", FakeHeif, lambda start: start.startswith(MARK)),
        Image.register_extension("HEIF", ".heic"),
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: module if name == "pillow_heif" else None)
    for registry in ("OPEN", "EXTENSION"):
        monkeypatch.setattr(Image, registry, dict(getattr(Image, registry)))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    clear()
    yield
    clear()


def clear():
    _formats.prepare.cache_clear()
    _formats.endings.cache_clear()


def photo():
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (10, 20, 30)).save(file, "PNG")
    return MARK + file.getvalue()


def test_with_the_plug_in_photos_are_listed_and_read(plug_in, tmp_path):
    path = tmp_path / "IMG_1.HEIC"
    path.write_bytes(photo())
    assert list_pictures(tmp_path) == [path]
    np.testing.assert_array_equal(read_image(path)[0, 0], (10, 20, 30))
    with pytest.raises(PictureError, match="HEIC file is damaged"):
        read_image(MARK + b"garbage")


def test_without_it_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setattr(_formats, "prepare", lambda: None)
    with pytest.raises(PictureError, match=r"pip install 'cifarlab\[heic\]'") as caught:
        read_image(photo())
    assert caught.value.fault == "kind"

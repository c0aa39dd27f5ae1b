"""A table of the user's own pictures: `table:FILE` reads a CSV or Parquet file of paths and labels.

Paths are relative to the table's folder, or to that of `root=`, and stay below it; images' ids are these paths. How
pictures become 32 x 32 RGB, or as `size=` and `channels=` say, and which are test where no column says so:
as in `cifarlab.datasets.folder`.
"""

from collections.abc import Sequence
from pathlib import Path

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._options import SHAPE_OPTIONS, shape_of, take_options
from cifarlab.datasets._pictures import load_layout, resolve_base
from cifarlab.datasets._table_layout import make_layout
from cifarlab.datasets._table_rows import read_rows
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.progress import ProgressCallback

COLUMNS = {
    "path": (
        *("path", "file", "filename", "filepath", "imagepath", "imagefile", "imagefilename", "imgpath", "image"),
        *("img", "picture"),
    ),
    "label": ("label", "class", "target", "category", "labelname", "classname"),
    "split": ("split", "part", "subset", "partition", "isvalid"),
}
"""By which names a column is found: small letters, without spaces, `_` and `-`."""
_OPTIONS = (*COLUMNS, "root", *SHAPE_OPTIONS)


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Read the pictures that a table names.

    Args:
        data_dir: What a relative FILE is relative to; None means the current folder.
        argument: FILE, or `FILE?path=COLUMN&label=COLUMN&split=COLUMN&root=DIR&size=64&channels=1`.
        download: Not needed.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        As `cifarlab.datasets.folder.load`; classes sorted by name, numbers by value, ids the paths.

    Raises:
        CifarlabError: If the table cannot be read, a column is missing or may be meant by several, a path is an
            address, leads out of the folder or is not there, a label is empty, a picture has two labels, there are
            fewer than two classes, or pictures cannot be read: all of these are named.
    """
    path, options = take_options("table", argument, _OPTIONS)
    shape = shape_of("table", options)
    if not path:
        raise CifarlabError("table needs a file. Received: 'table'; write table:FILE, such as table:labels.csv")
    file, base = resolve_base(path, "table", data_dir)
    chosen: dict[str, str] = {}

    def choose(header: Sequence[str]) -> list[str]:
        chosen.update(find_columns(file, header, options))
        return list(dict.fromkeys(chosen.values()))

    rows = read_rows(file, choose)
    folder = file.parent / expand(options.get("root", "."))
    cells = {what: rows.columns[name] for what, name in chosen.items()}
    if _plain(chosen.get("split", "")) == "isvalid":  # as fastai's tables have it, Imagenette's among them
        words = {"true": "validation", "false": "train"}
        cells["split"] = [words.get(cell.casefold(), cell) for cell in cells["split"]]
    layout = make_layout(file, folder, cells, rows.numbers)
    return load_layout(layout, file, f"table:{argument}", base, shape, progress)


def image_shape(argument: str) -> tuple[int, int, int]:
    """Height, width and channels of the images, by the options alone."""
    return shape_of("table", take_options("table", argument, _OPTIONS)[1])


def find_columns(path: Path, header: Sequence[str], options: dict[str, str]) -> dict[str, str]:
    """Which column is the path, which the label, and which the split if there is one.

    Raises:
        CifarlabError: If one is missing, or several may be meant.
    """
    found = {}
    there = ", ".join(name or "(no name)" for name in header[:12]) + (", ..." if len(header) > 12 else "")
    for what, usual in COLUMNS.items():
        if what in options:
            if options[what] not in header:
                raise CifarlabError(
                    f"{path} has no column {options[what]!r}, named by {what}=; its columns are {there}"
                )
            found[what] = options[what]
            continue
        fitting = [name for name in dict.fromkeys(header) if _plain(name) in usual]
        if len(fitting) > 1:
            several = f"{path} has several columns that may be the {what}: {', '.join(fitting)}"
            raise CifarlabError(f"{several}; say which, as in table:{path.name}?{what}={fitting[0]}")
        if fitting:
            found[what] = fitting[0]
        elif what != "split":
            say = f"say which it is, as in table:{path.name}?{what}=COLUMN"
            raise CifarlabError(
                f"{path} has no column called {', '.join(usual[:3])} or the like; its columns are {there}; {say}"
            )
    return found


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")

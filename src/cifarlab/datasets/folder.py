"""A user's own pictures: `folder:PATH` reads `PATH/<class>/*`, or `PATH/train/<class>/*` and `PATH/test/<class>/*`.

Any size and any format that PIL reads; see `cifarlab.utils.images` for how a picture becomes 32 x 32 RGB, and
`cifarlab.datasets._layout` for the spellings and depths of folders that are understood. `folder:PATH?size=64` fits them
to another size, `channels=1` makes them grey. Without a test folder, about a fifth of every class is the test set:
which pictures, follows from each file's content alone.
"""

from pathlib import Path

from cifarlab.datasets._image_set import ImageSet, Source
from cifarlab.datasets._layout import find_layout
from cifarlab.datasets._options import shape_of, take_options
from cifarlab.datasets._pictures import load_layout, resolve_base
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback


def load(
    *,
    data_dir: Path | None = None,
    argument: str = "",
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> tuple[ImageSet, ImageSet, Source]:
    """Read every picture in and below the class folders; hidden files, and what systems leave there, are passed over.

    Args:
        data_dir: What a relative PATH is relative to; None means the current folder.
        argument: PATH, or `PATH?size=64&channels=1`.
        download: Not needed.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Returns:
        Training and test images `(N, H, W, C)` uint8 with their contents, `(N, 32, 32, 3)` by default, classes and
        pictures sorted by name, ids the path inside PATH; no training images where there is a test folder only. The
        source's `pictures` says how many there are of which `formats`, `modes`, `widths` and `heights` (smallest,
        median, largest, in pixels), how they were `fitted` to their size, how many are `animated`, and what was
        `left_out` by ending.

    Raises:
        CifarlabError: If there are fewer than two classes, a class is empty, the classes of test are not those of
            train, an option is wrong, or pictures cannot be read: all of these are named.
    """
    path, options = take_options("folder", argument)
    shape = shape_of("folder", options)
    if not path:
        raise CifarlabError("folder needs a path. Received: 'folder'; write folder:PATH, such as folder:my_pictures")
    root, base = resolve_base(path, "folder", data_dir)
    return load_layout(find_layout(root), root, f"folder:{argument}", base, shape, progress)


def image_shape(argument: str) -> tuple[int, int, int]:
    """Height, width and channels of the images, by the options alone."""
    return shape_of("folder", take_options("folder", argument)[1])

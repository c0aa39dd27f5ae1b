"""Data sets that are read from files as they were published, which the user has put into the data folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets._array_cache import cached_arrays
from cifarlab.datasets._download import NoDataError
from cifarlab.datasets._image_set import SPLITS, ImageSet, Source, numbered_set
from cifarlab.datasets._options import refuse
from cifarlab.datasets._verification import verify_files
from cifarlab.utils.arrays import Array
from cifarlab.utils.homes import expand
from cifarlab.utils.progress import ProgressCallback


@dataclass(frozen=True)
class PublishedSet:
    """The `load` of a data set whose files lie in the data folder, or in one of its own below it.

    Attributes:
        name: Of the data set.
        class_names: In the order of the labels.
        folders: Names of its own folder.
        expected: File name to its published MD5.
        url: Where the files come from.
        read: From the folder to `train_images` and `test_images`, `(N, H, W, C)` uint8, and `train_labels` and
            `test_labels`, `(N,)` int from 0; called once the files are verified.
        notices: What a reader must know.
    """

    name: str
    class_names: tuple[str, ...]
    folders: Sequence[str]
    expected: Mapping[str, str]
    url: str
    read: Callable[[Path], dict[str, Array]]
    notices: tuple[str, ...] = ()

    def __call__(
        self,
        *,
        data_dir: Path | None = None,
        argument: str = "",
        download: bool = True,
        progress: ProgressCallback | None = None,
    ) -> tuple[ImageSet, ImageSet, Source]:
        """Find the files, verify them, and decode them; arguments as in `cifarlab.datasets`, nothing is downloaded.

        Returns:
            Training and test images `(N, H, W, C)` uint8 in the published order, and where they came from.

        Raises:
            NoDataError: If no folder was named, or it lacks files.
            CifarlabError: If a file is truncated or altered, or `argument` is given.
        """
        refuse(self.name, argument=argument)
        named_by, data_folder = self._data_folder(data_dir)
        folder = self._find(data_folder, named_by)
        checksums = {name: f"md5:{digest}" for name, digest in self.expected.items()}
        paths = [folder / name for name in self.expected]

        def read() -> dict[str, Array]:
            verify_files(folder, checksums, f"get it again from {self.url}", progress)
            return self.read(folder)

        arrays = cached_arrays(self.name, paths, checksums, read)
        train, test = (
            numbered_set(split, arrays[f"{split}_images"], arrays[f"{split}_labels"], self.class_names)
            for split in (SPLITS[0], SPLITS[2])
        )
        how, found_in = f"found with {named_by}", str(data_folder.resolve())
        return train, test, Source(self.name, str(folder), how, checksums, found_in, notices=self.notices)

    def _data_folder(self, data_dir: Path | None) -> tuple[str, Path]:
        if data_dir is not None:
            return "--data-dir", data_dir
        if named := os.environ.get("CIFARLAB_DATA"):
            return "$CIFARLAB_DATA", expand(named)
        raise NoDataError(f"no {self.name} on this machine, and it is not downloaded: {self._advice()}")

    def _find(self, data_folder: Path, named_by: str) -> Path:
        """The first folder that lacks no file."""
        places = [data_folder / name for name in self.folders] + [data_folder]
        lacking = {place: [name for name in self.expected if not (place / name).is_file()] for place in places}
        place = min(places, key=lambda place: len(lacking[place]))
        if not lacking[place]:
            return place
        if len(lacking[place]) == len(self.expected):
            raise NoDataError(f"{data_folder}, named by {named_by}, holds no {self.name}: {self._advice()}")
        raise NoDataError(f"{place} lacks {', '.join(lacking[place])}: {self._advice()}")

    def _advice(self) -> str:
        own = "" if not self.folders else f", or into {self.folders[0]} in it,"
        return (
            f"put {', '.join(self.expected)} from {self.url} into a folder DIR{own} and give it with --data-dir DIR or "
            "CIFARLAB_DATA=DIR"
        )

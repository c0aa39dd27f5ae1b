"""Write what a data set holds: one page, and a folder of figures and tables."""

import os
import re
from pathlib import Path

from cifarlab import datasets
from cifarlab.datasets.exploration.facts import to_json
from cifarlab.datasets.exploration.findings import MAP_IMAGES, Findings, find
from cifarlab.displays.progress import progress_of
from cifarlab.reports._places import refuse_foreign
from cifarlab.reports.exploration import figures
from cifarlab.reports.exploration.page import render_page
from cifarlab.utils import files, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.progress import ProgressCallback

__all__ = ["explore"]

_PAIR_COLUMNS = (
    "first_id", "first_split", "first_class", "second_id", "second_split", "second_class",
    "kind", "mirrored", "conflicting", "similarity", "layout", "detail", "pixel_distance",
)  # fmt: skip


def explore(
    name: str = "cifar10",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    seed: int = 0,
    map_images: int = MAP_IMAGES,
    progress: ProgressCallback | None = None,
    show: bool | None = None,
) -> Path:
    """Examine a data set: counts, samples, means, brightness, duplicates and a map of its pictures.

    Writes into the output folder `index.html`, which holds everything it shows and needs no other file; each figure as
    PNG; the facts as `summary.json`; and all exact and near duplicates as `duplicates.csv`.

    Args:
        name: A data set, as for `load_data`; a Python file is executed, since the user names it here.
        data_dir: Where to look for it.
        output: The folder; by default `exploration/<name>`.
        seed: Of the samples and the maps.
        map_images: How many pictures a map has, about.
        progress: Called with the name of the stage and the fraction of the whole done.
        show: Whether to show the progress; None: in a notebook and at a prompt, where there is no `progress`.

    Returns:
        The path of `index.html`.

    Raises:
        CifarlabError: If the data cannot be loaded, the folder cannot be written, or its `index.html` is not ours.
    """
    with progress_of(f"exploring {name}", show if progress is None else False) as shown:
        return _explore(name, data_dir, output, seed, map_images, progress or shown)


def _explore(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    output: str | os.PathLike[str] | None,
    seed: int,
    map_images: int,
    report: ProgressCallback,
) -> Path:
    report("reading", 0.0)
    own_code.allow(name)
    splits = datasets.load_data(
        name,
        data_dir=None if data_dir is None else Path(data_dir),
        progress=lambda _phrase, part: report("reading", 0.05 * part),
    )
    if not len(splits.train):
        raise CifarlabError(f"{name} has no training images to explore: add a train/ folder with the same classes")
    folder = _make_folder(Path("exploration") / _folder_name(name) if output is None else Path(output))
    refuse_foreign(folder / "index.html")  # the home page of somebody's site has that name too
    findings = find(splits, seed, map_images, lambda stage, part: report(stage, 0.05 + 0.75 * part))
    report("writing the page", 0.8)
    page = render_page(findings)
    for file_name, data in figures.draw_files(findings).items():
        files.write_bytes(folder / file_name, data)
    files.write_json(folder / "summary.json", to_json(findings))
    files.write_csv(folder / "duplicates.csv", _pair_rows(findings), _PAIR_COLUMNS)
    path = files.write_text(folder / "index.html", page)
    report("writing the page", 1.0)
    return path


def _folder_name(name: str) -> str:
    kind, _, place = name.partition(":")
    parts = [kind, expand(place).resolve().name] if place else [Path(kind).stem]
    return re.sub(r"[^\w.-]+", "-", "-".join(part for part in parts if part)).strip(".-") or "data"


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CifarlabError(f"cannot write into {folder}: {reason}; choose another folder with --output") from error
    return folder


def _pair_rows(findings: Findings) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for pair in findings.pairs:
        row: dict[str, object] = {}
        for side, index in (("first", pair.first), ("second", pair.second)):
            row[f"{side}_id"] = findings.ids[index]
            row[f"{side}_split"] = findings.splits[index]
            row[f"{side}_class"] = findings.class_names[findings.labels[index]]
        row |= {
            "kind": "exact" if pair.exact else "near",
            "mirrored": "yes" if pair.mirrored else "no",
            "conflicting": "yes" if findings.conflicting(pair) else "no",
            "similarity": f"{pair.similarity:.4f}",
            "layout": f"{pair.layout:.4f}",
            "detail": f"{pair.detail:.4f}",
            "pixel_distance": f"{pair.pixel_distance:.2f}",
        }
        rows.append(row)
    return rows

"""Write the report about one run or several."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from cifarlab.displays.progress import progress_of
from cifarlab.reports import rendering
from cifarlab.reports._figures import write_figures
from cifarlab.reports._places import page_place
from cifarlab.reports._stories import write_stories
from cifarlab.reports.page import open_page
from cifarlab.runs import Run
from cifarlab.utils import files, own_code
from cifarlab.utils.progress import ProgressCallback

__all__ = ["report"]
_Runs = Run | str | os.PathLike[str]


def report(
    runs: _Runs | Sequence[_Runs],
    output: str | os.PathLike[str] | None = None,
    split: str = "test",
    data_dir: str | os.PathLike[str] | None = None,
    notice: str = "",
    human_labels: str | os.PathLike[str] | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    stories: int = 0,
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback | None = None,
    show: bool | None = None,
) -> Path:
    """Write one self-contained HTML page about one run, or about several side by side.

    Each run also gets its figures as PNG files in its `figures/`.

    The pictures come from the data set; where it cannot be loaded, the page is written without them and says why.

    Args:
        runs: One evaluated run or several, each as `Run` or as its folder.
        output: The page to write, or a folder for it. By default `report.html` inside the run; for several runs
            `report-<names>.html` beside the first one.
        split: `"test"` or `"validation"`.
        data_dir: Where to look for the data; by default where the run found it.
        notice: One sentence that stands on top of the page.
        human_labels: CIFAR-10H's counts, `.npy`: what people called each test image of CIFAR-10, to compare with.
        runs_dir: Where the run of the built-in model is.
        stories: Of how many of each run's most confident mistakes to write a page too, into the folder
            `<page's name>-images` beside the page, which links to them. This asks the models, so it loads Keras.
        code: The user's own Python files that the runs may need; no other is executed.
        progress: Called with a phrase and the share done, of the stories.
        show: Whether to show that it is being written; None: in a notebook and at a prompt, where there is no
            `progress`.

    Returns:
        The page's path.

    Raises:
        CifarlabError: If a run is missing or not evaluated on `split`, or the page cannot be written; also if the
            default place, or `report.html` in that folder, is a file that is not a report of ours, or the human labels
            are not about these images.
    """
    own_code.allow_files(code)
    several = [runs] if isinstance(runs, Run | str | os.PathLike) else list(runs)
    page = open_page(several, split, None if data_dir is None else Path(data_dir), notice, human_labels, runs_dir)
    path = page_place(output, _default_output([record.run for record in page.runs]))
    with progress_of(f"writing {path}", show if progress is None else False) as shown:
        if stories:
            folder = path.with_name(f"{path.stem}-images")
            page = dataclasses.replace(page, stories=write_stories(page, stories, folder, data_dir, progress or shown))
        for record in page.runs:
            write_figures(record, page.pictures, page.split)
        return files.write_text(path, rendering.render_page(page))


def _default_output(runs: Sequence[Run]) -> Path:
    if len(runs) == 1:
        return runs[0].report_file
    names = "-".join(run.name for run in runs)
    if len(names) > 80:
        names = f"{len(runs)}-runs-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
    return runs[0].path.resolve().parent / f"report-{names}.html"

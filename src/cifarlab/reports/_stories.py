"""Pages about single images beside a report: what explains the top losses."""

import os
from pathlib import Path

from cifarlab.evaluation.explanation.image import explain_images
from cifarlab.reports.image_story import write_image_page
from cifarlab.reports.page import Page
from cifarlab.reports.sections.top_losses import find_top_losses
from cifarlab.utils.progress import ProgressCallback


def write_stories(
    page: Page,
    most: int,
    folder: Path,
    data_dir: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, str]:
    """Write the stories of the images with each run's top losses, as all runs of the report tell them.

    Args:
        page: What the report is about.
        most: How many of each run, at least one.
        folder: For the pages; made if need be.
        data_dir: Where the data are, if not where the runs found them.
        progress: Called with a phrase and the share done.

    Returns:
        Image's id to the address of its page, seen from beside the folder.

    Raises:
        CifarlabError: If a run has no model, the runs were trained on different data, or these cannot be found.
    """
    ids = dict.fromkeys(
        str(record.predictions.ids[row]) for record in page.runs for row in find_top_losses(record.predictions, most)
    )
    if not ids:
        return {}
    runs = [record.run for record in page.runs]
    where = None if data_dir is None else os.fspath(data_dir)
    pages = {}
    for story in explain_images(list(ids), runs, split=page.split, data_dir=where, progress=progress):
        written = write_image_page(story, folder / runs[0].image_file(story.image_id).name)
        pages[story.image_id] = f"{folder.name}/{written.name}"
    return pages

"""When the pictures of a gallery are there, in chromium: the first, and all of the page.

    python benchmarks/gallery_pictures.py --json gallery.json

The app serves made-up pictures and runs on loopback in another process, as in `serve_pages.py`. Each page is opened in
a window that has kept nothing, several times, and scrolled to its end at once. A time counts from the navigation to
the frame in which the browser has the picture; beside it stand how many files of pictures it asked for. `CHROMIUM`
names the browser.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from _measure import begin, errors_in_one_line, tell
from serve_pages import DATA_FILE, Serving, make_runs

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.data_set import slug_of

# Marks the first frame in which one, and in which every picture is there: an image of its own, or the part of a sheet.
WATCH = """
addEventListener("DOMContentLoaded", () => {
  window.found = {};
  // Once: to ask for the styles of 300 tiles in every frame took the browser longer than the pictures.
  const tiles = [...document.querySelectorAll(".tiles .picture")];
  const sheets = tiles.map(each => (getComputedStyle(each).backgroundImage.match(/url\\("([^"]+)"/) ?? [])[1]);
  scrollTo(0, document.body.scrollHeight);
  const look = () => {
    const files = performance.getEntriesByType("resource").filter(each => each.responseEnd);
    const came = new Set(files.map(each => each.name));
    const count = tiles.filter((each, place) => each.complete ? each.naturalWidth > 0 : came.has(sheets[place])).length;
    if (count && !found.first) found.first = performance.now();
    if (count && count === tiles.length) found.all = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    options = begin(parser)
    with errors_in_one_line(), tempfile.TemporaryDirectory(prefix="cifarlab-gallery-") as folder:
        data = Path(folder) / "made_up.py"
        data.write_text(DATA_FILE.format(images=10_000))
        make_runs(Path(folder) / "runs", str(data), 4)
        found = measure(Path(folder) / "runs", str(data), options.rounds)
    for name, row in found.items():
        first, whole = (f"{statistics.median(row[key]):.0f} ms (most {max(row[key]):.0f})" for key in ("first", "all"))
        print(f"{name:24}{row['requests']:>4} files   first {first:>22}   all {whole:>22}")
    if options.json:
        files.write_json(options.json, found)


def measure(runs_dir: Path, data: str, rounds: int) -> dict[str, dict[str, Any]]:
    """Gallery to milliseconds until the first and until all pictures are there, and the files that were asked for."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise CifarlabError("needs playwright: pip install playwright, and a chromium") from error
    slug = slug_of(data)
    galleries = {"data": f"/data/{slug}?page={{}}", "run: images": "/runs/original-0/mistakes?page={}"}
    with Serving(runs_dir, data) as connection, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        found = {}
        for name, path in galleries.items():
            tell(name)
            times: dict[str, Any] = {"first": [], "all": [], "requests": 0}
            for number in range(rounds + 1):
                page = browser.new_context(viewport={"width": 1280, "height": 844}).new_page()
                page.add_init_script(WATCH)
                page.goto(f"http://127.0.0.1:{connection.port}" + path.format(number + 1))
                page.wait_for_function("() => window.found?.all")
                if number:  # the first warms up
                    for key, value in page.evaluate("found").items():
                        times[key].append(value)
                times["requests"] = page.evaluate(
                    "performance.getEntriesByType('resource').filter(each => /sheets|pictures/.test(each.name)).length"
                )
                page.context.close()
            found[name] = times
        browser.close()
    return found


if __name__ == "__main__":
    main()

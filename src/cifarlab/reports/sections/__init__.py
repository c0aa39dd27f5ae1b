"""One section of the report a file: `ORDER` (place), `TITLE` (heading), `build(page)` (HTML, or None: not here)."""

"""The report: one HTML file about one run or several, that needs nothing else to be read, printed or sent.

A section is one file in `sections/` with `ORDER`, `TITLE` and `build(page)`, found by its name.
"""

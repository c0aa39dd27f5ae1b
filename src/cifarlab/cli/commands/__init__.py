"""The commands: one file each, found by its name, with a function of that name and the `EPILOG` of its help.

Each imports its stage inside the function, so that help answers at once. What they share is in `cli/options.py`, what
they print in `cli/tables/`.
"""

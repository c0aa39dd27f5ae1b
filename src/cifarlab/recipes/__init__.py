"""One file each, found by its name."""

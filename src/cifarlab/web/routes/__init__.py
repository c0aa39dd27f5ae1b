"""One file a page or a group of addresses, each with `router`; found by its name."""

"""Displays: how far something is, on a terminal, in a notebook, or as plain lines. Nobody below knows them."""

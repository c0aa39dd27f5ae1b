"""Exploration: what a data set holds, before anything is trained on it, as one page and a folder of figures.

`findings` gathers the numbers from `statistics`, `duplicates` and `embedding`; `figures` and `page` draw them.
"""

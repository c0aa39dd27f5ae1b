"""Studies: what a search tried and found, as one page and a folder of figures.

`figures` draws what `cifarlab.search.reading` read, `page` puts words around it, `writing` writes both.
"""

"""Formats to export to, each one a file found by its name on the command line.

A format defines

    SUFFIX: str                   # of the exported file, such as ".onnx"; of a folder such as "-openvino"
    BACKEND: str                  # of Keras, by which it is written
    PACKAGES: tuple[str, ...]     # what it needs beside that backend, by the names that pip knows
    QUANTISES: tuple[str, ...]    # of `about.QUANTISATIONS` those that it knows
    PROVES: bool                  # whether this machine has its runtime

    write(network, place, about, how) -> None
    open_answers(place) -> Answer
    read_class_names(place) -> tuple[str, ...]  # where a program of ours names classes by what is in the file

`write` is given a `keras.Model` of `network.exportable` (pixels `(N, H, W, C)` uint8 in; `logits` and `probabilities`
out, `(N, K)` float32), where to write, an `About`, which goes into the file where the format has room for it, and a
`Quantising`. `open_answers` gives a function from such pixels, of any number N, to logits and probabilities, by the
format's real runtime; it runs no code that the file brings. Both are called in processes of their own, so a converter
that ends its process ends nothing else, and two runtimes that do not go together never meet.

Importing a file here imports neither Keras nor the format's packages.
"""

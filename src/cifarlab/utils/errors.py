"""The one exception that means "the input was wrong": the command line prints it as one line and exits with 2."""

from cifarlab.utils.text import readable


class CifarlabError(Exception):
    """Bad input, said in one line: what was wrong, what was expected, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(readable(" ".join(message.split())))

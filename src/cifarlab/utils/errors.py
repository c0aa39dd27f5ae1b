"""What the command line says in one line: "the input was wrong", with exit code 2, and "you have stopped it", 130."""

from cifarlab.utils.text import readable


class CifarlabError(Exception):
    """Bad input, said in one line: what was wrong, what was expected, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(readable(" ".join(message.split())))


class Interrupted(CifarlabError):
    """The user has stopped it; the message says how to go on. The command line exits with 130."""

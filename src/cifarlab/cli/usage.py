"""How a command's help and its complaints about usage read."""

from typing import Any

import typer
from typer.core import TyperCommand

GREEDY = ("--against", "--runs")
"""The options that take every word up to the next option, as a shell's pattern gives them several."""


class Command(TyperCommand):
    """Shows arguments in the usage line as they are named in its help: `RUN...` for several, `[NAME]` for optional."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words, those after a greedy option all as its own: else all but the first would be arguments."""
        return super().parse_args(ctx, _repeat_greedy(args))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS]`, and the arguments as their metavars name them."""
        arguments = [item for item in self.params if item.param_type_name == "argument"]
        return ["[OPTIONS]", *(f"{item.metavar}" if item.required else f"[{item.metavar}]" for item in arguments)]


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def usage_line(error: typer.TyperException) -> str:
    """A complaint about usage in one line that says where to read on."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "cifarlab"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]} (see {command} --help)"


def _repeat_greedy(words: list[str]) -> list[str]:
    """`--against A B --json` as `--against A --against B --json`."""
    result: list[str] = []
    greedy, given = "", False
    for number, word in enumerate(words):
        if word == "--":
            return result + words[number:]
        if word.startswith("-"):
            greedy, given = word if word in GREEDY else "", False
        elif greedy and given:
            result.append(greedy)
        else:
            given = True
        result.append(word)
    return result

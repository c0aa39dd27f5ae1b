"""The command line: every file in `commands/` is a command; what goes wrong in one is said in one line."""

import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cifarlab.cli import usage
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, Interrupted
from cifarlab.utils.memory import is_out_of_memory

app = typer.Typer(
    name="cifarlab",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
FIRST = ("data", "explore", "train", "evaluate", "report", "compare", "predict", "recipes", "demo")
"""The order of the help: as a newcomer meets them; commands that are not named here follow by the alphabet."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after `cifarlab`; by default those of this process.

    Returns:
        The exit code: 0, or 2 after one line about what was wrong, or 130 after an interrupt; 75 where a training has
        to go on later.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # asked to end, a training keeps its last epoch as it does after an interrupt
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where it has no place for a cache
    command = typer.main.get_command(app)
    try:
        code = command.main(args=words or ["--help"], prog_name="cifarlab", standalone_mode=False)
        sys.stdout.flush()
    except Interrupted as error:
        return _fail(f"interrupted: {error}", code=130)
    except CifarlabError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        return _fail(usage.usage_line(error))
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Typer's, where a reader has gone
            return _fail_to_write(error.__context__)
        # Of a user's own code: as an exit code of ours it could say that all went well.
        return _fail(f"own code called sys.exit({error.code!r}), which ends nothing here: take it out")
    except MemoryError:
        return _fail("out of memory: give it fewer or smaller images at once, or a machine with more memory")
    except (KeyboardInterrupt, typer.Abort) as error:
        if isinstance(error.__cause__, EOFError):  # Typer takes it for the end of a user's typing; nobody was asked
            return _fail(f"a file ends before its content does ({error.__cause__})")
        return _fail("interrupted", code=130)
    except OSError as error:
        return _fail_to_write(error)
    except Exception as error:  # each backend has a kind of its own
        if not is_out_of_memory(error):
            raise
        return _fail("out of memory: close other programs, or take a smaller model, batch or part of the data")
    return _fail("interrupted", code=130) if code == 130 else code or 0


def _fail(message: str, code: int = 2) -> int:
    print(f"cifarlab: {' '.join(message.split())}", file=sys.stderr)
    return code


def _fail_to_write(error: OSError) -> int:
    """A reader that has gone is no error of ours; a full or read-only disk is said in one line."""
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.__stdout__.fileno())
    if error.errno == errno.EPIPE:
        return 1
    where = f"{error.filename}: " if error.filename else ""
    return _fail(f"{where}{error.strerror or error}")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        import cifarlab

        print(f"cifarlab {cifarlab.__version__}")
        raise typer.Exit


@app.callback()
def cifarlab(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, examine and compare image classifiers on CIFAR-10."""


def _register_commands() -> None:
    for name in dict.fromkeys((*FIRST, *discovery.names("cli.commands"))):
        module = discovery.load("cli.commands", name)
        app.command(name.replace("_", "-"), cls=usage.Command, epilog=module.EPILOG)(getattr(module, name))


_register_commands()

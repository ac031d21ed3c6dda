"""The command line. Heavy packages are imported by the commands that need them, so `evonas --help` is quick."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from evonas import __version__
from evonas.app import commands, network_commands
from evonas.app.console import drop, print_line, tolerate_any_console
from evonas.app.data_commands import data_app
from evonas.app.doctor import doctor
from evonas.app.live.commands import ui, watch
from evonas.app.plugin_commands import TRUST, WithPlugins, list_plugins
from evonas.app.runs_upkeep import runs_app
from evonas.core.errors import EvonasError

HELP = """Search neural architectures by evolution, and remember every training.

\b
Examples:
  evonas search --data folder:photos --deadline 10m
  evonas predict photos-net-1 holiday/
  evonas COMMAND --help

\b
Exit codes:
  0    done
  1    no trial succeeded, something is broken, or you answered no
  2    something that you can mend, said in one line
  130  interrupted by Ctrl-C or SIGTERM; what a search has done is kept
"""
app = typer.Typer(
    cls=WithPlugins,
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (commands.search, commands.resume, commands.report, network_commands.predict, network_commands.export):
    app.command()(command)
app.command("plugins")(list_plugins)
app.command()(watch)
app.command()(ui)
app.command()(doctor)
app.add_typer(runs_app, name="runs")
app.add_typer(data_app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"evonas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    trusting: Annotated[
        bool, typer.Option(TRUST, help="Run code that files name (a run, a suite, a network); ask about none of it.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The `evonas` command. What a user can mend is one line and exit code 2."""
    tolerate_any_console()
    try:
        code = app(prog_name="evonas", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(code)
    except EvonasError as error:
        sys.exit(_complain(str(error)))
    except _UsageError as error:
        sys.exit(_misused(error))
    except typer.Abort:  # a question was left without an answer
        sys.exit(_complain("nothing was done", 1))
    except BrokenPipeError:
        _nobody_reads()
    except SystemExit as ended:  # what typer and rich make of it
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        _nobody_reads()
    except OSError as error:
        if error.filename is None and error.errno not in _NO_ROOM:
            raise
        what = repr(str(error.filename2 or error.filename)) if error.filename else "a file cannot be written"
        sys.exit(_complain(f"{what}: {error.strerror}; give another, or make it possible"))


_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _nobody_reads() -> NoReturn:
    """Whoever read has left, `evonas runs list | head`, and has what was wanted."""
    drop(sys.__stdout__)
    sys.exit(0)


def _complain(message: str, code: int = 2) -> int:
    print_line(f"evonas: {message}", sys.stderr)
    return code


_UsageError: Any = typer.BadParameter.__base__  # click's; newer versions of typer carry their own click


def _misused(error: Any) -> int:
    """One line on a word that the command line does not take; where there was no word, the help is printed already."""
    message = error.format_message().strip()
    if not message or "\n" in message:
        print(message, end="")
        return 2
    message = f"{message[0].lower()}{message[1:].rstrip('.')}".replace(". Did you mean", "; did you mean")
    option, why = (error.param.opts[0], error.message) if _is_of_an_option(error) else ("", "")
    if option and (given := _given(error.param.opts)) is not None:
        message = f"{option} {given!r} is not valid: {why[0].lower()}{why[1:].rstrip('.')}"
    where = f"see {error.ctx.command_path} --help" if error.ctx else "the same command with --help says more"
    return _complain(f"{message}; {where}")


def _is_of_an_option(error: Any) -> bool:
    """Whether it complains about an option's value."""
    named = getattr(getattr(error, "param", None), "param_type_name", "") == "option"
    return named and type(error) is typer.BadParameter


def _given(names: Sequence[str]) -> str | None:
    """The word that the command line has for an option, the last one; click's errors do not name it."""
    found, words = None, sys.argv[1:]
    for word, following in zip(words, [*words[1:], None], strict=True):
        name, equals, value = word.partition("=")
        if name in names and (equals or following is not None):
            found = value if equals else following
    return found


if __name__ == "__main__":
    main()

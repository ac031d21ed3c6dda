"""The one exception that a person reads."""


class EvonasError(ValueError):
    """Something a user can mend. The message is one line: it names the value, the choices and the way out.

    The command line prints it as it is and ends with exit code 2.
    """


class DeadlineTooShort(EvonasError):
    """There is no time for any training."""


class Diverged(EvonasError):
    """A training's loss, or a weight, is no number any more, or the loss is many times that of guessing."""


class NameTaken(EvonasError):
    """Another run has this name."""


def choices(names) -> str:
    """`'a', 'b', 'c'`, for the middle of an error message."""
    return ", ".join(repr(name) for name in sorted(names))

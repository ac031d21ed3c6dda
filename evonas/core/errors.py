"""The one exception that a person reads."""

LONGEST = 10_000  # letters of a message


class EvonasError(ValueError):
    """Something a user can mend. The message is one line: it names the value, the choices and the way out.

    The command line prints it as it is and ends with exit code 2. What a name or a file has put into it that would
    break the line, or do something to a terminal, is written out (`on_a_line`).
    """

    def __init__(self, message: object = ""):
        super().__init__(_of_a_length(on_a_line(str(message))))


class DeadlineTooShort(EvonasError):
    """There is no time for any training."""


class Diverged(EvonasError):
    """A training's loss, or a weight, is no number any more, or the loss is many times that of guessing."""


class NameTaken(EvonasError):
    """Another run has this name."""


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def named_line(error: BaseException) -> str:
    """`ValueError: no disk`, in one line; the kind alone where it says nothing."""
    kind, words = type(error).__name__, first_line(error)
    return kind if words == kind else f"{kind}: {words}"


def in_short(value: object, width: int = 80) -> str:
    """A value in one line of at most so many letters, for a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"


def on_a_line(text: str) -> str:
    """The text with `\\n` for a new line, `\x1b` for an escape, and so on: for a line that people read."""
    if text.isprintable():
        return text
    written = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return "".join(written)


def _of_a_length(text: str) -> str:
    """The text, of a very long one both ends: somebody's name of a million letters is no message."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def choices(names) -> str:
    """`'a', 'b', 'c'`, for the middle of an error message."""
    return ", ".join(repr(name) for name in sorted(names))

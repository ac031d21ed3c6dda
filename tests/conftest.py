"""What all tests need."""

import signal

from hypothesis import settings

settings.register_profile("evonas", deadline=None)  # a loaded machine is no failure
settings.load_profile("evonas")


def pytest_configure() -> None:
    """Where the tests are a shell's background job Ctrl-C is ignored, and so would what they start ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

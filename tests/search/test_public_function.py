"""`evonas.search(x, y)` stays a function although there is a package of that name."""

import subprocess
import sys

import pytest

CODE = """
import evonas{first}
from evonas.errors import EvonasError
for _ in range(2):
    try:
        evonas.search([1], [1], no_such_option=1)
    except EvonasError as error:
        print(type(error).__name__)
"""


@pytest.mark.thorough
def test_it_is_called_before_and_after_the_package_is_imported():
    for first in ("", ", evonas.search.loop"):
        done = subprocess.run([sys.executable, "-c", CODE.format(first=first)], capture_output=True, text=True)
        assert done.stdout.split() == ["EvonasError"] * 2, done.stderr

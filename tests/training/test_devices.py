"""What a process is told about its memory."""

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from evonas.training.devices import keep_freed_memory

def pages_asked_for():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        blocks = [torch.ones(2**21) for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages_asked_for()
print(pages_asked_for())
keep_freed_memory()
pages_asked_for()
print(pages_asked_for())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc")
@pytest.mark.parametrize("said", [{}, {"MALLOC_ARENA_MAX": "2"}])
def test_memory_that_is_freed_is_kept(said):
    """Twenty times four blocks of 8 MB; where the environment says something of it, nothing changes."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=own | said)
    before, after = map(int, run.stdout.split())
    assert after > before / 2 if said else after < before / 10

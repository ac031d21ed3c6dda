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

keep_freed_memory()
pages_asked_for()
print(pages_asked_for())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc")
def test_memory_that_is_freed_is_kept():
    """Twenty times four blocks of 8 MB, 164,000 pages; without it half of them are asked for again, or none by luck."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=own)
    assert int(run.stdout) < 1000

"""What is said of the machine that a figure was measured on."""

import platform
import re
from pathlib import Path

import pytest

from evonas.core import environment


@pytest.mark.skipif(platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists(), reason="Linux on x86 says it")
def test_processors_of_one_name_and_several_generations_are_told_apart():
    text = Path("/proc/cpuinfo").read_text()
    family, model = (re.findall(rf"^{name}\s*: (\d+)", text, re.MULTILINE)[0] for name in ("cpu family", "model"))
    assert f"(family {family}, model {model}), " in environment.processor()

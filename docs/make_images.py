"""Makes docs/images/report.png, the README's picture, and others of docs/images from the reports of real runs:

    evonas search --name digits && python docs/make_images.py runs/digits/report.html
    evonas search --name thirty --trials 30 --epochs 6
    python docs/make_images.py runs/thirty/report.html --out docs/images/report-search.png --rows FROM:TO

Needs Chromium or Chrome on the path. The first picture ends after the most confident mistakes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LARGEST_KB = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images" / "report.png")
    parser.add_argument("--size", default="1160x1560", help="width x height of the window, in pixels")
    parser.add_argument("--rows", help="what of its height is kept, FROM:TO in pixels (default: all)")
    arguments = parser.parse_args()
    if not arguments.report.is_file():
        sys.exit(f"no file {str(arguments.report)!r}; give the report.html of a finished run")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    screenshot(arguments.report, arguments.out, arguments.size.replace("x", ","))
    picture = Image.open(arguments.out).convert("RGB")
    top, bottom = map(int, arguments.rows.split(":")) if arguments.rows else (0, picture.height)
    picture.crop((0, top, picture.width, bottom)).save(arguments.out, optimize=True)
    size = arguments.out.stat().st_size / 1000
    print(f"{arguments.out}: {size:.0f} kB")
    if size > LARGEST_KB:
        sys.exit(f"that is more than {LARGEST_KB} kB; give a smaller --size")


def screenshot(page: Path, out: Path, size: str) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no browser found; install one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        flags += [f"--user-data-dir={profile}", f"--window-size={size}", "--virtual-time-budget=5000"]
        command = [browser, *flags, f"--screenshot={out.resolve()}", page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=600)


if __name__ == "__main__":
    main()

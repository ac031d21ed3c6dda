"""Example images for the report, as the network sees them: resized, padded or cropped, grey where all are."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np

from evonas.core.pages import picture_source
from evonas.domains.images.dataset import Split
from evonas.domains.images.framing import DOING

SHOWN, EACH = 24, 2  # images in all, and of a class
SIDE = 96  # pixels of an image in the report, at most
_WIDE = 112  # of it on the page, where enlarged pixels stay sharp


def examples(split: Split) -> dict[str, Any]:
    """The first training images of some classes: `{"shape", "of", "smaller", "frame", "classes": {name: [PNG data
    URI, …]}}`, two of each class, or one where there are more than twelve classes; 24 in all.

    `shape` is (height, width, channels), `of` the number of classes, `smaller` whether larger images were made to fit
    96 pixels, `frame` how pictures came to that size ("" where they had it).
    """
    each = EACH if EACH * len(split.class_names) <= SHOWN else 1
    shown = {}
    for code, name in enumerate(split.class_names[:SHOWN]):
        places = np.flatnonzero(split.y_train == code)[:each]
        shown[name] = [picture(split.x_train[place]) for place in places]
    shape = [int(side) for side in split.x_train.shape[1:]]
    frame = split.reader.frame if split.reader else None
    return {
        "shape": shape,
        "of": len(split.class_names),
        "smaller": max(shape[:2]) > SIDE,
        "frame": frame.fit if frame else "",
        "classes": shown,
    }


def sections(examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """One section with the images of each class; nothing where there are no examples."""
    classes = examples.get("classes") or {}
    if not classes:
        return ()
    height, width, channels = examples["shape"]
    wide = round(_WIDE * min(1.0, width / height))
    figures = "".join(_figure(name, images, wide) for name, images in classes.items())
    shown = max(map(len, classes.values()))
    each = "each class" if examples["of"] == len(classes) else f"each of {len(classes)} of {examples['of']} classes"
    parts = [f"{('One training image', 'Two training images')[shown > 1]} of {each} as networks see them"]
    parts += [f"{width}×{height} pixels" + (f", shown at {SIDE} at most" if examples["smaller"] else "")]
    parts += ["one channel, grey"] if channels == 1 else []
    parts += ["the first of 2 channels"] if channels == 2 else []
    parts += [f"the first 3 of {channels} channels as red, green and blue"] if channels > 3 else []
    parts += [f"{DOING[examples['frame']]} where their shape was another"] if examples["frame"] in DOING else []
    style = f"display:grid;grid-template-columns:repeat(auto-fill,minmax({2 * wide + 16}px,max-content));gap:12px 16px"
    return [("The images", f'<div style="{style}">{figures}</div><p class="caption">{"; ".join(parts)}.</p>')]


def _figure(name: str, images: Sequence[str], wide: int) -> str:
    title = escape(str(name))
    style = f"width:{wide}px;image-rendering:pixelated;border:1px solid var(--line,#8884)"
    pictures = " ".join(f'<img style="{style}" alt="{title}" src="{picture_source(uri)}">' for uri in images)
    return f'<figure style="margin:0"><div>{pictures}</div><figcaption>{title}</figcaption></figure>'


def picture(image: np.ndarray) -> str:
    """A data URI of (height, width, channels) bytes: grey, or the first three channels as red, green and blue."""
    from PIL import Image

    channels = image.shape[-1]
    pixels = image[..., :3] if channels >= 3 else image[..., 0]
    drawn = Image.fromarray(np.ascontiguousarray(pixels))
    if max(drawn.size) > SIDE:
        drawn.thumbnail((SIDE, SIDE))
    file = BytesIO()
    drawn.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(file.getvalue()).decode("ascii")

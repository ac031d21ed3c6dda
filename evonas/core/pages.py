"""What a page may do that shows text and pictures of anybody's: run its own scripts, and ask for nothing."""

from __future__ import annotations

import re

POLICY = (  # plotly's WebGL is made from text
    "default-src 'none'; img-src data: blob:; font-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; base-uri 'none'; form-action 'none'"
)
META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
NOTHING = "data:,"

_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")


def picture_source(uri: object) -> str:
    """What may stand in the `src` of a picture: the picture itself. An address would tell somebody who reads the
    page, so it becomes nothing."""
    return uri if isinstance(uri, str) and _PICTURE.fullmatch(uri) else NOTHING

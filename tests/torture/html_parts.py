"""What a browser would make of a page: its elements, what it would ask for, and what its scripts hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

FETCHES = ("src", "href", "action", "srcset", "data", "poster", "formaction", "background", "xlink:href")


class Parts(HTMLParser):
    """Of a page: (tag, attributes) pairs, the text of scripts, of styles and of everything else."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self._within = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data
        else:
            (self.styles if self._within == "style" else self.texts).append(data)

    @property
    def handlers(self) -> list[str]:
        """Attributes that run something."""
        return [name for _, attributes in self.tags for name in attributes if name.startswith("on")]

    @property
    def fetched(self) -> list[str]:
        """Addresses outside of the page that a browser would go to, or offer to go to."""
        named = [value for _, attributes in self.tags for name, value in attributes.items() if name in FETCHES]
        named += [attributes["style"] for _, attributes in self.tags if "style" in attributes]
        return [one for one in named if re.search(r"//|javascript:|url\((?!['\"]?data:)|^file:", one)]

    @property
    def policy(self) -> str:
        """Its content security policy."""
        found = [one for tag, one in self.tags if tag == "meta" and one.get("http-equiv") == "Content-Security-Policy"]
        return found[0]["content"] if found else ""

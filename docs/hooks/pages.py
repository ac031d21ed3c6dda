"""The site's pages that lie elsewhere in the repository, and where the links between pages lead in the site.

A page is written for the repository, where its links are relative paths. What a page of the site links to, and people
read, joins the site: pages as they are, Python and TOML as pages of code. Links to anything else (a folder, data)
become their words.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\(<?([^)\s>]+)>?\)")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
CODE = {".py": "python", ".toml": "toml"}
PICTURES = {".png", ".svg"}


def on_files(files: Files, *, config: Any) -> Files:
    """Adds what pages link to, and what that links to, to the pages of `docs/`."""
    listed = [uri for uri in uris(config.nav) if files.get_file_from_path(uri) is None and (ROOT / uri).is_file()]
    for uri in listed:
        files.append(joined(config, uri, uri))
    waiting = [file.src_uri for file in files.documentation_pages() if not file.generated_by]
    while waiting:
        page = waiting.pop()
        for path in linked(page):
            uri = site_uri(path)
            if uri and files.get_file_from_path(uri) is None:
                files.append(joined(config, path, uri))
                if uri == path:
                    waiting.append(uri)
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """The page's text with links as the site has them."""
    here = repository_path(page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        path, _, heading = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return link[0]
        uri = site_uri(posixpath.normpath(posixpath.join(posixpath.dirname(here), path)))
        if uri is None or files.get_file_from_path(uri) is None:
            return words
        way = posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or ".")
        return f"{picture}[{words}]({way}{'#' if heading else ''}{heading})"

    if page.file.generated_by:
        return markdown
    parts = FENCE.split(markdown)
    return "".join(part if FENCE.fullmatch(part) else LINK.sub(replaced, part) for part in parts)


def uris(nav: Any) -> list[str]:
    """All pages that the navigation names."""
    if isinstance(nav, str):
        return [nav]
    return [uri for one in (nav.values() if isinstance(nav, dict) else nav) for uri in uris(one)]


def linked(uri: str) -> list[str]:
    """What a page links to, as paths from the repository's root."""
    here = repository_path(uri)
    if not here.endswith(".md"):
        return []
    prose = FENCE.sub("", (ROOT / here).read_text(encoding="utf-8"))
    targets = [match[3].partition("#")[0] for match in LINK.finditer(prose) if not re.match(r"[a-z]+:", match[3])]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(here), target)) for target in targets if target]


def repository_path(uri: str) -> str:
    """Where a page of the site lies, from the repository's root."""
    return f"docs/{uri}" if (ROOT / "docs" / uri).is_file() else uri


def site_uri(path: str) -> str | None:
    """What the site calls a file of the repository; None of what does not join it."""
    if not (ROOT / path).is_file():
        return None
    if path == "README.md":
        return "index.md"
    suffix = Path(path).suffix
    if path.startswith("docs/"):
        return path.removeprefix("docs/") if suffix in PICTURES | {".md"} else None
    return f"{path}.md" if suffix in CODE else path if suffix in PICTURES | {".md"} else None


def joined(config: Any, path: str, uri: str) -> File:
    if uri == path:
        return File(path, str(ROOT), config.site_dir, config.use_directory_urls)
    code = (ROOT / path).read_text(encoding="utf-8").rstrip()
    return File.generated(config, uri, content=f"# {path}\n\n````{CODE[Path(path).suffix]}\n{code}\n````\n")

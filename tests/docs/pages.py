"""The pages of this repository, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PAGES = sorted(page for pattern in ("*.md", "docs/*.md", "server/*/*.md", "lib/*/*.md") for page in ROOT.glob(pattern))

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    """A page's path for people."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of one language."""
    for indent, found, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if found == language:
            yield re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)

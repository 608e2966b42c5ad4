"""Writes the one file that the built-in rules are read from, or checks that it is current.

uv run python -m volcengine_audit.sigma            write it
uv run python -m volcengine_audit.sigma --check    change nothing; exit 1 if it is not current
"""

from __future__ import annotations

import sys

from volcengine_audit.sigma.prebuilt import PREBUILT, written


def main(arguments: list[str]) -> int:
    """Write the file, or check it. Returns the exit status."""
    current = written()
    if PREBUILT.exists() and PREBUILT.read_text("utf-8") == current:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{PREBUILT.name} is not current; run: uv run python -m volcengine_audit.sigma\n")
        return 1
    PREBUILT.write_text(current, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

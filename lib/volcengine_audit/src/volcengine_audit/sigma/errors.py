"""What is wrong with a rule file: which file, where in it, and how to write it."""

from __future__ import annotations

from pathlib import Path


class SigmaError(ValueError):
    """A rule that cannot be used; the sentence says which file, where in it, and what to write instead."""

    def __init__(self, problem: str, place: str = "", path: Path | None = None) -> None:
        super().__init__(": ".join(part for part in (str(path) if path else "", place, problem) if part))
        self.problem, self.place, self.path = problem, place, path

    def at(self, path: Path, *, within: str = "") -> SigmaError:
        """The same error with its file, and with the name of the rule if the file holds several."""
        return SigmaError(self.problem, " › ".join(part for part in (within, self.place) if part), path)

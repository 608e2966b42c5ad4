"""Reading rule files: strictly, with the place of what is wrong, and each file once while it does not change."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.model import OFF, PRODUCT, SERVICE, Rule

SUFFIXES: Final = (".yml", ".yaml")
MOST_FILES: Final = 5000
_LONGEST_FILE: Final = 1_000_000
_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_SWITCHES: Final = frozenset({"name", "status", "title", "id"})

Stamp = tuple[Path, int, int]
"""A file, when it was changed (nanoseconds), and its size."""
Read = tuple[Rule | str, ...]
"""The rules of a file; of one that is switched off only the name."""

_kept: dict[Path, tuple[Stamp, Read]] = {}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is there


class _Strict(_Loader):  # type: ignore[misc]
    """YAML without the silent loss of a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping; a key given twice is an error."""
        keys = [key.value for key, _ in node.value]
        if len(set(map(str, keys))) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} is given twice", node.start_mark)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


def files_of(folder: Path) -> list[Stamp]:
    """The rule files of a folder and of the folders in it, in the order of their paths.

    Raises: SigmaError when it is no folder, or holds more files than anybody would write.
    """
    try:
        found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        if not folder.is_dir():
            raise SigmaError("is not a folder; name the folder that holds your rule files (*.yml)", path=folder)
        stamps = [(path, stat.st_mtime_ns, stat.st_size) for path in found for stat in (path.stat(),)]
    except OSError as error:
        raise SigmaError(f"cannot be read ({error.strerror})", path=folder) from None
    if len(stamps) > MOST_FILES:
        raise SigmaError(f"holds more than {MOST_FILES} files", path=folder)
    return stamps


def rules_of(stamp: Stamp) -> Read:
    """The rules of a file.

    Raises: SigmaError that says what is wrong where.
    """
    path = stamp[0]
    kept = _kept.get(path)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    read = tuple(_read(path, stamp[2]))
    _kept[path] = stamp, read
    return read


def _read(path: Path, size: int) -> Iterator[Rule | str]:
    if size > _LONGEST_FILE:
        raise SigmaError("is longer than a megabyte, which no rule is", path=path)
    try:
        # A subclass of the safe loader: no tag makes an object.
        documents = [one for one in yaml.load_all(path.read_text("utf-8"), Loader=_Strict) if one is not None]
    except OSError as error:
        raise SigmaError(f"cannot be read ({error.strerror})", path=path) from None
    except UnicodeDecodeError:
        raise SigmaError("is not UTF-8 text", path=path) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SigmaError(f"is not valid YAML: {' '.join(str(error).split())}", path=path) from None
    yield from rules_in(documents, path)


def rules_in(documents: Sequence[object], path: Path) -> Iterator[Rule | str]:
    """The rules of the documents of a file; of one that is switched off only the name.

    Raises: SigmaError that says what is wrong where.
    """
    for document in documents:
        if not isinstance(document, Mapping):
            raise SigmaError("must hold a rule: 'title', 'logsource', 'detection'", path=path)
        name = document.get("name")
        if name is None and len(documents) > 1:
            raise SigmaError("holds several rules, so that each needs a 'name'", path=path)
        document = {str(key): value for key, value in document.items()}  # noqa: PLW2901 - the same, typed
        document.setdefault("name", _NAME.sub("-", path.stem))
        try:
            yield _rule(document)
        except SigmaError as error:
            raise error.at(path, within=str(document["name"]) if len(documents) > 1 else "") from None


def _rule(document: Mapping[str, object]) -> Rule | str:
    if document.get("status") in OFF and isinstance(document["name"], str):
        return str(document["name"])
    try:
        return Rule.model_validate(document).checked()
    except ValidationError as error:
        raise _said(error) from None


def _said(error: ValidationError) -> SigmaError:
    """The first mistake, in our words where pydantic's would not help."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    kind, given = first["type"], first["input"]
    if place[:1] == ["logsource"] and kind != "extra_forbidden":
        return SigmaError(
            f"must be {{product: {PRODUCT}, service: {SERVICE}}}; events of others are not read", "logsource"
        )
    if kind == "extra_forbidden":
        allowed = _fields(place)
        return SigmaError(f"{place[-1]!r} is not known; allowed are {', '.join(allowed)}", " › ".join(place[:-1]))
    if kind == "missing":
        return SigmaError(f"{place[-1]!r} is missing", " › ".join(place[:-1]))
    message = first["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return SigmaError(message, " › ".join(place))
    return SigmaError(f"{message[:1].lower()}{message[1:]}, not {str(given)[:80]!r}", " › ".join(place))


def _fields(place: Sequence[str]) -> list[str]:
    """The fields that are allowed where an unknown one was found."""
    model: Any = Rule
    for part in place[:-1]:
        names = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in names:
            break
        kinds = [names[part].annotation, *getattr(names[part].annotation, "__args__", ())]
        inner = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
        if inner is None:
            break
        model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())

"""Reading a rules file field by field, strictly: what is wrong is named with its place and what is allowed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path

import yaml

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RulesError(ValueError):
    """A rules file that cannot be used; the sentence says where and why."""


class Severity(IntEnum):
    """How much a mark matters, in order."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The severity in lower case."""
        return self.name.lower()

    def raised(self, steps: int) -> Severity:
        """The severity some steps up, at most critical."""
        return Severity(min(self + steps, Severity.CRITICAL))


def read(path: Path) -> object:
    """What a YAML file says.

    Raises: RulesError when it cannot be read or is not YAML.
    """
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise RulesError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RulesError(f"{path}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise RulesError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None


class _Loader(yaml.SafeLoader):
    """YAML without the silent loss of a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping; a key given twice is an error."""
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


class Part:
    """A mapping of the file that is taken apart field by field, and knows what it has not been asked for."""

    def __init__(self, value: object, where: str, path: Path) -> None:
        self.where, self._path = where, path
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise self.error(f"must be a mapping, not {value!r}")
        self._values = {str(key): inner for key, inner in value.items()}
        self._asked: set[str] = set()

    def error(self, problem: str) -> RulesError:
        """The error to raise, with its place."""
        place = "" if self.where == self._path.name else f"{self.where}: "
        return RulesError(f"{self._path}: {place}{problem}")

    def names(self) -> tuple[str, ...]:
        """All fields."""
        return tuple(self._values)

    def done(self) -> None:
        """Raises an error for a field that nobody asked for."""
        if unknown := [name for name in self._values if name not in self._asked]:
            raise self.error(f"{unknown[0]!r} is not known; allowed are {', '.join(sorted(self._asked))}")

    def _get(self, name: str) -> object:
        self._asked.add(name)
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self._get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{name!r} must be a text, not {value!r}")
        return value.strip()

    def texts(self, name: str, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, or one text alone; empty when it is not there."""
        value = self._get(name)
        listed = [] if value is None else value if isinstance(value, list) else [value]
        for one in listed:
            if not isinstance(one, str) or not one:
                raise self.error(f"{name!r} must be a list of texts; {one!r} is none (numbers need quotes)")
            if choices and one not in choices:
                raise self.error(f"{name!r} must hold some of {', '.join(choices)}, not {one!r}")
        return tuple(listed)

    def number(self, name: str) -> int:
        """A whole number above 0."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(f"{name!r} must be a whole number above 0, not {value!r}")
        return value

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of ports."""
        value = self._get(name)
        listed = [] if value is None else value if isinstance(value, list) else [value]
        for one in listed:
            if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one <= 65535:
                raise self.error(f"{name!r} must be a list of ports, 0 to 65535; {one!r} is none")
        return tuple(listed)

    def flag(self, name: str) -> bool | None:
        """True or false, None when it is not there."""
        value = self._get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"{name!r} must be true or false, not {value!r}")
        return value

    def severity(self, name: str) -> Severity:
        """A severity by its name."""
        value = self._get(name)
        if isinstance(value, str) and value.upper() in Severity.__members__:
            return Severity[value.upper()]
        raise self.error(f"{name!r} must be one of {', '.join(one.label for one in Severity)}, not {value!r}")

    def network(self, text: str) -> Network:
        """A network in CIDR form."""
        try:
            return ipaddress.ip_network(text)
        except ValueError:
            raise self.error(f"'networks' must hold networks such as 203.0.113.0/24, not {text!r}") from None

    def part(self, name: str) -> Part | None:
        """A mapping within, None when it is not there."""
        value = self._get(name)
        return None if value is None else Part(value, f"{self.where} › {name}", self._path)

    def parts(self, name: str) -> list[Part]:
        """A list of mappings within, whose IDs differ."""
        value = self._get(name)
        listed = [] if value is None else value
        if not isinstance(listed, list):
            raise self.error(f"{name!r} must be a list, not {listed!r}")
        ids = [one.get("id") for one in listed if isinstance(one, Mapping)]
        if twice := next((one for one in ids if one is not None and ids.count(one) > 1), None):
            raise self.error(f"{name!r} has the ID {twice!r} twice")
        return [Part(one, f"{name}[{index}]", self._path) for index, one in enumerate(listed)]

"""Events for rules, built from the short form in which data/detections.yaml writes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from unit.audit.samples import ALICE, OPS, ROOT, event
from volcengine_audit import Event
from volcengine_audit.sigma import Checked, RuleBook, Surroundings

DATA = Path(__file__).with_name("data")
IDENTITIES = {"ROOT": ROOT, "ALICE": ALICE, "OPS": OPS}
BESIDE = ("action", "identity", "derived", "networks", "accounts")


def fixtures() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The events of every rule, by the name of the rule: `match` and `miss`."""
    loaded: dict[str, dict[str, list[dict[str, Any]]]] = yaml.load(
        (DATA / "detections.yaml").read_text("utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 - a safe loader, and the quick one
    )
    return loaded


def event_from(spec: Mapping[str, Any], **more: Any) -> Event:
    """The event of such a form."""
    fields = {name: value for name, value in spec.items() if name not in BESIDE}
    identity = IDENTITIES[spec.get("identity", "ALICE")]
    return event(spec["action"], identity, **(fields | more))


def checked(book: RuleBook, spec: Mapping[str, Any]) -> Checked:
    """What the rules say about such an event."""
    around = Surroundings(
        networks=tuple(ipaddress.ip_network(one) for one in spec.get("networks", ())),
        accounts=frozenset(spec.get("accounts", ())),
    )
    return book.within(around).check(event_from(spec), spec.get("derived", {}))

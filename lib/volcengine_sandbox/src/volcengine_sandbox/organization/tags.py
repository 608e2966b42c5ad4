"""Tags of accounts and units."""

from __future__ import annotations

from typing import Final

from volcengine_sandbox import errors, pages
from volcengine_sandbox.organization.common import declare
from volcengine_sandbox.parameters import Objects, Part, Text, Texts
from volcengine_sandbox.records import Organization
from volcengine_sandbox.registry import EMPTY, Call, Effect, Result

TAG_QUOTA: Final = 50
"""Tags of one resource."""
_TYPE = Text("ResourceType", required=True, choices=("account", "unit"))
_IDS = Texts("ResourceIds")
_TAG = (Text("Key", required=True, least=1, most=128), Text("Value", most=256))


@declare("TagResources", Effect.WRITE, _TYPE, _IDS, Objects("Tags", required=True, fields=_TAG))
def tag_resources(call: Call) -> Result:
    """Add or overwrite tags on all the named resources, or on none."""
    org = call.organization
    new = {tag.text("Key"): tag.text("Value") for tag in call.parameters.objects("Tags")}
    resources = _resources(call, org)
    for resource in resources:
        if len(org.tags.get(resource, {}).keys() | new.keys()) > TAG_QUOTA:
            raise errors.organization("ReachedQuotaLimit", "tags")
    for resource in resources:
        org.tags.setdefault(resource, {}).update(new)
    return EMPTY


@declare("UntagResources", Effect.DESTROY, _TYPE, _IDS, Texts("TagKeys", required=True))
def untag_resources(call: Call) -> Result:
    """Remove tags; a key that is not there is no error."""
    org = call.organization
    for resource in _resources(call, org):
        for key in call.parameters.texts("TagKeys"):
            org.tags.get(resource, {}).pop(key, None)
    return EMPTY


@declare(
    "ListTagResources",
    Effect.READ,
    _TYPE,
    _IDS,
    Objects("TagFilters", fields=(Text("Key", required=True), Texts("Values"))),
    *pages.NUMBER_SIZE,
)
def list_tag_resources(call: Call) -> Result:
    """One row a tag. Filters are met by a resource, all of them; no values means any value."""
    org = call.organization
    ids = set(call.parameters.texts("ResourceIds"))
    filters = [(part.text("Key"), part.texts("Values")) for part in call.parameters.objects("TagFilters")]
    rows: list[Result] = [
        {"ResourceType": kind, "ResourceId": resource_id, "TagKey": key, "TagValue": value}
        for (kind, resource_id), tags in org.tags.items()
        if kind == call.text("ResourceType")
        and (not ids or resource_id in ids)
        and all(key in tags and (not values or tags[key] in values) for key, values in filters)
        for key, value in sorted(tags.items())
    ]
    return pages.by_number(call, "ResourceTags", rows, lambda row: row)


@declare("ListTagsKeys", Effect.READ, _TYPE, Part("Filter", fields=(Text("Key"),)), *pages.TOKEN)
def list_tag_keys(call: Call) -> Result:
    """Keys in use; the filter finds them by a part of their text (assumption)."""
    part = call.parameters.part("Filter").text("Key")
    kind = call.text("ResourceType")
    keys = {key for (of, _), tags in call.organization.tags.items() if of == kind for key in tags if part in key}
    return pages.by_token(call, "Keys", list(keys))


@declare(
    "ListTagsValues",
    Effect.READ,
    _TYPE,
    Text("Key", required=True),
    Part("Filter", fields=(Text("Value"),)),
    *pages.TOKEN,
)
def list_tag_values(call: Call) -> Result:
    """Values of one key."""
    key, part = call.text("Key"), call.parameters.part("Filter").text("Value")
    kind = call.text("ResourceType")
    tagged = [tags for (of, _), tags in call.organization.tags.items() if of == kind]
    return pages.by_token(call, "Values", list({tags[key] for tags in tagged if key in tags and part in tags[key]}))


def _resources(call: Call, org: Organization) -> list[tuple[str, str]]:
    kind, ids = call.text("ResourceType"), call.parameters.texts("ResourceIds")
    if not ids:
        raise errors.organization("InvalidParam", "ResourceIds", "")
    for resource_id in ids:
        if resource_id not in (org.members if kind == "account" else org.units):
            raise errors.organization("RecordNotExists", resource_id)
    return [(kind, resource_id) for resource_id in ids]

"""Trails in both API versions, over GET, form POST and JSON POST."""

from __future__ import annotations

from typing import Any

import pytest
import volcenginesdkcloudtrail as current
import volcenginesdkcloudtrail20180101 as first
from sandbox.clients import Caller, sdk
from volcengine_sandbox import Sandbox, cloud_trail

FORM = "application/x-www-form-urlencoded"
WAYS = [
    pytest.param({"version": "2018-01-01", "method": "GET"}, id="2018-get"),
    pytest.param({"version": "2018-01-01", "content_type": FORM}, id="2018-form"),
    pytest.param({"version": "2021-09-01", "method": "GET"}, id="2021-get"),
    pytest.param({"version": "2021-09-01"}, id="2021-json"),
]
TRAIL = {
    "TrailName": "made-here",
    "IncludeAllEventSources": False,
    "EventSources": ["iam", "ecs"],
    "EventRW": "Write",
    "TrailType": 0,
    "TosBucketName": "example-bucket",
    "TosBucketRegion": "cn-beijing",
    "TosKeyPrefix": "审计 logs/",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_trail_lives_and_dies(box: Sandbox, admin: Caller, way: dict[str, str]) -> None:
    def call(action: str, body: dict[str, Any]) -> Any:
        return admin(action, body, service="cloud_trail", **way)

    def described() -> dict[str, Any]:
        (trail,) = call("DescribeTrails", {"TrailNames": ["made-here", "not-there"]})["Trails"]
        return dict(trail)

    made = call("CreateTrail", TRAIL)
    sent = {name: value for name, value in TRAIL.items() if name != "IncludeAllEventSources"}
    assert made | sent == made
    assert ("IsEventSourceAll" in made) == (way["version"] == "2021-09-01")
    assert described()["LoggingStatus"] == "Disable"
    assert described()["EventSources"] == ["iam", "ecs"]
    assert described()["CreatorID"] == int(box.administrator.account_id)
    assert call("StartLogging", {"TrailName": "made-here"}) is None
    assert described()["LoggingStatus"] == "Enable"
    assert described()["StartLoggingTime"]
    changed = call("UpdateTrail", {"TrailName": "made-here", "EventRW": "All"})
    assert (changed["EventRW"], changed["TosBucketName"]) == ("All", "example-bucket")
    assert call("StopLogging", {"TrailName": "made-here"}) is None
    assert described()["LoggingStatus"] == "Disable"
    assert described()["StopLoggingTime"]
    call("DeleteTrail", {"TrailName": "made-here"})
    assert call("DescribeTrails", {"TrailNames": ["made-here"]})["Trails"] == []


def test_the_typed_sdk_of_both_versions(box: Sandbox) -> None:
    client = sdk(box, box.administrator)
    newer, older = current.CLOUDTRAILApi(client), first.CLOUDTRAIL20180101Api(client)
    made = newer.create_trail(
        current.CreateTrailRequest(
            trail_name="typed-new",
            include_all_event_sources=True,
            tls_project_name="project",
            tls_topic_name="topic",
        )
    )
    assert (made.trail_name, made.is_event_source_all, made.event_rw) == ("typed-new", 1, "All")
    older.create_trail(first.CreateTrailRequest(trail_name="typed-old", tos_bucket_name="example-bucket"))
    for api, module in ((newer, current), (older, first)):
        names = [trail.trail_name for trail in api.describe_trails(module.DescribeTrailsRequest()).trails]
        assert names == ["org-audit-archive", "identity-events", "typed-new", "typed-old"]


REFUSALS = [
    ("CreateTrail", {"TrailName": None}, (400, "ParameterMissing")),
    ("CreateTrail", {"IncludeAllEventSources": None}, (400, "ParameterMissing")),
    ("CreateTrail", {"IncludeAllEventSources": "maybe"}, (400, "InvalidParameter")),
    ("CreateTrail", {"TrailName": "spaces are wrong"}, (400, "InvalidTrailName")),
    ("CreateTrail", {"TrailName": "名称"}, (400, "InvalidTrailName")),
    ("CreateTrail", {"TrailName": "identity-events"}, (409, "TrailAlreadyExists")),
    ("CreateTrail", {"EventRW": "Sometimes"}, (400, "InvalidParameter")),
    ("CreateTrail", {"EventSources": ["i am"]}, (400, "InvalidEventSources")),
    ("CreateTrail", {"EventSources": "iam"}, (400, "InvalidParameter")),
    ("CreateTrail", {"TrailType": 7}, (400, "InvalidParameter")),
    ("CreateTrail", {"TosBucketName": None}, (400, "InvalidTrailConfiguration")),
    ("CreateTrail", {"TosBucketName": "Upper_Case"}, (400, "InvalidTosBucketName")),
    ("CreateTrail", {"TosKeyPrefix": "/absolute"}, (400, "InvalidTosBucketPrefix")),
    ("CreateTrail", {"TlsProjectName": "?"}, (400, "InvalidTlsProjectName")),
    ("CreateTrail", {"TlsProjectName": "project"}, (400, "InvalidTlsTopicName")),
    ("CreateTrail", {"TosSSEAlgorithm": "rot13"}, (400, "InvalidParameter")),
    ("CreateTrail", {"TosSSEAlgorithm": "kms"}, (400, "InvalidParameter")),
    ("UpdateTrail", {"TrailName": "absent"}, (404, "TrailNotExist")),
    ("DeleteTrail", {"TrailName": "absent"}, (404, "TrailNotExist")),
    ("StartLogging", {"TrailName": "absent"}, (404, "TrailNotExist")),
    ("StopLogging", {"TrailName": "?"}, (400, "InvalidTrailName")),
    ("DescribeTrails", {"TrailNames": ["?"]}, (400, "InvalidTrailName")),
    ("DescribeTrails", {"IncludeOrganizationTrail": 2}, (400, "InvalidParameter")),
]


@pytest.mark.parametrize(("action", "change", "expected"), REFUSALS)
def test_refusals(
    shared: Sandbox, admin: Caller, action: str, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    body = TRAIL | change if action == "CreateTrail" else change
    body = {name: value for name, value in body.items() if value is not None}
    before = list(shared.state.trails)
    assert admin.refusal(action, body, service="cloud_trail") == expected
    assert list(shared.state.trails) == before


def test_messages_are_the_documented_ones(shared: Sandbox, admin: Caller) -> None:
    _, error = admin.error("StartLogging", {"TrailName": "absent"}, service="cloud_trail")
    assert error == {"Code": "TrailNotExist", "Message": "Trail 'absent' does not exist."}
    _, error = admin.error("StartLogging", service="cloud_trail")
    assert error == {"Code": "ParameterMissing", "Message": "The request parameter TrailName is missing."}


def test_trails_have_a_quota(box: Sandbox, admin: Caller) -> None:
    for number in range(cloud_trail.TRAIL_QUOTA - 2):
        admin("CreateTrail", TRAIL | {"TrailName": f"trail-{number}"}, service="cloud_trail")
    refusal = admin.refusal("CreateTrail", TRAIL, service="cloud_trail")
    assert refusal == (400, "TrailQuotaExceeded")


def test_members_see_the_organization_trail_when_they_ask(shared: Sandbox) -> None:
    member = Caller(shared, shared.member)

    def names(**body: int) -> list[str]:
        trails = member("DescribeTrails", body, service="cloud_trail", method="GET")["Trails"]
        return [trail["TrailName"] for trail in trails]

    assert names() == []
    assert names(IncludeOrganizationTrail=1) == ["org-audit-archive"]
    assert member.refusal("CreateTrail", TRAIL | {"TrailType": 1}, service="cloud_trail") == (403, "AccessDenied")
    assert member.refusal("StopLogging", {"TrailName": "org-audit-archive"}, service="cloud_trail")[0] == 404


def test_seeded_trails_tell_their_health(box: Sandbox, admin: Caller) -> None:
    good, bad = admin("DescribeTrails", service="cloud_trail", method="GET")["Trails"]
    organization = next(iter(box.state.organizations))
    assert (good["LoggingStatus"], good["LatestDeliveryError"]) == ("Enable", "")
    assert (good["TrailType"], good["OrganizationID"]) == (1, int(organization))
    assert (bad["LoggingStatus"], bad["LatestDeliveryError"]) == ("Disable", "failed to put logs")

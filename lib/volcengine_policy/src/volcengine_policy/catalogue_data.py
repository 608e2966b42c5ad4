"""The services and actions that are known, as text; a service without actions is known by its code only.

Sources: the action lists of the Organization and Cloud Trail SDK packages (5.0.54), the actions of other services that
bear on security as their SDK packages spell them, and service codes from permission lists of the Terraform
provider volcenginecc and from Volcengine docs 6257/1505229. It is a part of what exists: that a name is not in here
says nothing about it.
"""

from __future__ import annotations

ACTIONS_BY_SERVICE: dict[str, str] = {
    "alb": "",
    "auto_scaling": "",
    "CDN": "",
    "cen": "",
    "clb": "DeleteAcl DisableAccessLog ModifyAclAttributes RemoveAclEntries",
    "cloud_trail": (
        "CreateTrail DeleteTrail DescribeBackfillDeliveryTask DescribeTrails GetEventSelectors "
        "ListBackfillDeliveryTasks ListSearchTemplates LookupEvents StartLogging StopBackfillDeliveryTask "
        "StopLogging UpdateTrail"
    ),
    "cloudidentity": (
        "AddInlinePolicyToPermissionSet AddSystemPolicyToPermissionSet CreateAccountAssignment "
        "CreateExternalSAMLIdentityProvider CreateSCIMServerCredential ResetPassword"
    ),
    "config": "DeleteDeliveryChannel DeleteRule DisableRule StopConfigurationRecorder",
    "cr": "CreateEndpointAclPolicies GetAuthorizationToken UpdatePublicEndpoint",
    "directconnect": "",
    "dns": "DeleteRecord DeleteZone UpdateRecord",
    "ecs": (
        "AssociateInstancesIamRole AttachKeyPair DeleteInstance DeleteInstances "
        "DescribeInstanceECSTerminalUrl DescribeInstanceVncUrl DescribeInstances DescribeUserData "
        "ExportImage GetConsoleOutput ImportKeyPair InvokeCommand ModifyImageSharePermission "
        "ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyInstanceSpec ModifyInstancesSpec "
        "ReplaceSystemVolume RunCommand RunInstances StopInstances"
    ),
    "ESCloud": "",
    "FileNAS": "",
    "fw_center": "DeleteControlPolicy ModifyControlPolicy UpdateAssetSwitch UpdateControlPolicySwitch",
    "iam": (
        "AddClientIDToOIDCProvider AddSAMLProviderCertificate AddThumbprintToOIDCProvider AddUserToGroup "
        "AttachPolicyInProject AttachRolePolicy AttachUserGroupPolicy AttachUserPolicy CreateAccessKey "
        "CreateApiKey CreateLoginProfile CreateOAuthProvider CreateOIDCProvider CreatePolicy CreateRole "
        "CreateSAMLProvider CreateServiceLinkedRole CreateUser DeleteAccessKey DeleteApiKey "
        "DeleteLoginProfile DeletePolicy DeleteRole DeleteServiceLinkedRole DeleteUser DetachRolePolicy "
        "DetachUserGroupPolicy DetachUserPolicy GetAccountSummary GetUser MoveProjectResource "
        "RemoveUserFromGroup SetSecurityConfig UpdateAccessKey UpdateAllowedIPAddresses UpdateApiKey "
        "UpdateLoginProfile UpdateOAuthProvider UpdateOIDCProvider UpdatePolicy UpdateRole "
        "UpdateSAMLProvider UpdateUser"
    ),
    "Kafka": "",
    "kms": (
        "ArchiveKey BackupSecret BatchGetSecretValue Decrypt DeleteKeyMaterial DisableKey "
        "DisableKeyRotation GenerateDataKey GetSecretValue ImportKeyMaterial ScheduleKeyDeletion "
        "ScheduleSecretDeletion SetSecretValue UpdateKey UpdatePrimaryRegion"
    ),
    "ml_platform": "ListDatasets",
    "nat64gateway": "",
    "natgateway": "",
    "organization": (
        "AcceptInvitation AcceptQuitApplication AttachServiceControlPolicy "
        "CancelChangeAccountSecureContactInfo CancelInvitation ChangeAccountSecureContactInfo CreateAccount "
        "CreateOrganization CreateOrganizationalUnit CreateServiceControlPolicy DeleteOrganization "
        "DeleteOrganizationalUnit DeleteServiceControlPolicy DeregisterDelegatedAdministrator "
        "DescribeAccount DescribeAccountInvitation DescribeOrganization DescribeOrganizationalUnit "
        "DescribeQuitApplication DetachServiceControlPolicy DisableConsoleLogin DisableServiceControlPolicy "
        "EnableConsoleLogin EnableServiceControlPolicy GetAccountSecureContactInfo GetServiceControlPolicy "
        "GetServiceControlPolicyEnablement InviteAccount ListAccounts ListInvitations "
        "ListOrganizationalUnits ListOrganizationalUnitsForParent ListPoliciesForTarget "
        "ListServiceControlPolicies ListTagResources ListTagsKeys ListTagsValues ListTargetsForPolicy "
        "ListTrustedServiceAdministrators ListTrustedServiceStatus MoveAccount QuitOrganization "
        "ReInviteAccount RegisterDelegatedAdministrator RejectInvitation RejectQuitApplication "
        "RemoveAccount RetryChangeAccountSecureContactInfo TagResources UntagResources UpdateAccount "
        "UpdateOrganizationalUnit UpdateServiceControlPolicy"
    ),
    "private_zone": "",
    "RabbitMQ": "",
    "rds_mysql": (
        "CreateDBAccount CreateDBEndpointPublicAddress DeleteDBInstance DownloadBackup "
        "GetBackupDownloadLink GrantDBAccountPrivilege ModifyAllowList ModifyBackupPolicy "
        "ModifyDBInstanceDeletionProtectionPolicy ResetDBAccount RestoreToNewInstance"
    ),
    "Redis": "",
    "resource_share": "AssociateResourceShare CreateResourceShare EnableSharingWithOrganization",
    "rms": "",
    "RocketMQ": "",
    "rtc": "",
    "smc": "",
    "storage_ebs": (
        "CancelAutoSnapshotPolicy CreateSnapshot DeleteAutoSnapshotPolicy DeleteSnapshot ModifySnapshotAttribute"
    ),
    "sts": "AssumeRole AssumeRoleWithOIDC AssumeRoleWithSAML GetCallerIdentity",
    "TLS": "DeleteAlarm DeleteProject DeleteShipper DeleteTopic ModifyTopic",
    "tos": (
        "DeleteBucket DeleteBucketEncryption DeleteBucketPolicy DeleteBucketRealTimeLog DeleteObject "
        "DeleteObjectVersion GetObject ListBucket PutBucketACL PutBucketCORS PutBucketLifecycle "
        "PutBucketMirrorBack PutBucketObjectLock PutBucketPolicy PutBucketVersioning PutBucketWebsite "
        "PutObject PutObjectAcl"
    ),
    "transitrouter": "",
    "velinux": "",
    "vke": "CreateKubeconfig DeleteCluster ForwardKubernetesApi GrantPermission",
    "vpc": (
        "AllocateEipAddress AssociateEipAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress "
        "AuthorizeSecurityGroupIngressBatch CreateRouteEntry CreateTrafficMirrorSession DeactiveFlowLog "
        "DeleteFlowLog DeleteNetworkAcl DeleteSecurityGroup DisassociateNetworkAcl ModifyRouteEntry "
        "ModifySecurityGroupIngressBatch RevokeSecurityGroupEgress RevokeSecurityGroupIngress "
        "UntagResources UpdateNetworkAclEntries"
    ),
    "vpn": "",
    "waf": "DeleteDomain ModifyServiceDefenceMode",
}

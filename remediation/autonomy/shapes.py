"""What the certificates API takes and gives."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from portal.kit.serializers import StrictSerializer
from remediation.autonomy.asking import LONGEST
from remediation.autonomy.listing import State

MOST = 2**63 - 1


class CertificateListIn(StrictSerializer):
    """What the list of certificates is narrowed to."""

    state = serializers.ChoiceField([each.value for each in State], default="")
    pattern_id = serializers.IntegerField(min_value=1, max_value=MOST, default=0)
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=30)


class CertificateAskIn(StrictSerializer):
    """The fix that the machine shall be allowed to sign, and for how long."""

    pattern_id = serializers.IntegerField(min_value=1, max_value=MOST)
    action = serializers.CharField(max_length=400, help_text="As in the pattern's runs, such as `scale_deployment`.")
    environment = serializers.CharField(max_length=20)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST.days, default=lambda: settings.CERTIFICATE_DAYS)


class CertificateSignIn(StrictSerializer):
    """A signature under the question of somebody else."""

    digest = serializers.CharField(max_length=64, help_text="`plan.digest` of the certificate: the text you read.")
    comment = serializers.CharField(max_length=2_000, default="", allow_blank=True)


class CertificateRevokeIn(StrictSerializer):
    """Why it is taken back."""

    reason = serializers.CharField(max_length=2_000)


class GrantPlanShape(serializers.Serializer[Any]):
    """The text that is signed."""

    digest = serializers.CharField()
    status = serializers.CharField()
    valid_until = serializers.DateTimeField()
    content = serializers.CharField(help_text="Canonical text; `digest` is its SHA-256.")


class CertificateFigures(serializers.Serializer[Any]):
    """The record when somebody asked."""

    counted = serializers.IntegerField(help_text="Different tickets.")
    succeeded = serializers.IntegerField()
    lower_bound = serializers.FloatField(help_text="0 to 1: Wilson's 95% lower bound of the success.")
    min_tickets = serializers.IntegerField(help_text="Asked for.")
    min_lower_bound = serializers.FloatField(help_text="Asked for, 0 to 1.")
    rollback = serializers.ChoiceField(["exercised", "unproven"])
    rollback_says = serializers.CharField()


class CertificateOrigin(serializers.Serializer[Any]):
    """What wrote the drafts that the record is about; another one ends the certificate."""

    drafter = serializers.CharField()
    model = serializers.CharField()
    prompt = serializers.CharField()
    playbooks = serializers.DictField(child=serializers.CharField(), help_text="SHA-256 of each runbook, by name.")
    fingerprint = serializers.CharField(source="digest")


class CertificateOutcomes(serializers.Serializer[Any]):
    """What the certificate allowed so far."""

    signatures = serializers.IntegerField()
    tickets = serializers.IntegerField()
    runs = serializers.IntegerField()
    verified = serializers.IntegerField()
    rolled_back = serializers.IntegerField()
    failed = serializers.IntegerField()


class CertificateShape(serializers.Serializer[Any]):
    """A certificate as lists show it."""

    id = serializers.IntegerField(source="certificate.pk")
    state = serializers.ChoiceField([each.value for each in State])
    pattern_id = serializers.IntegerField(source="certificate.pattern_id")
    pattern = serializers.CharField(source="certificate.pattern_name")
    action = serializers.CharField(source="certificate.action")
    environment = serializers.CharField(source="certificate.environment")
    category = serializers.CharField(source="certificate.category.slug")
    asked_by = serializers.CharField(source="certificate.asked_by.username")
    asked_at = serializers.DateTimeField(source="certificate.asked_at")
    granted_at = serializers.DateTimeField(source="certificate.granted_at", allow_null=True)
    expires_at = serializers.DateTimeField(source="certificate.expires_at")
    revoked_at = serializers.DateTimeField(source="certificate.revoked_at", allow_null=True)
    revoked_by = serializers.CharField(source="certificate.revoked_by")
    revoke_reason = serializers.CharField(source="certificate.revoke_reason")


class CertificatePage(serializers.Serializer[Any]):
    """A page of certificates, the newest first; `next` and `previous` are cursors for `after`."""

    items = CertificateShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class CertificateDetailShape(CertificateShape):
    """A certificate with what it rests on, the text that is signed, and what it allowed."""

    granted_by = serializers.ListField(child=serializers.CharField())
    figures = CertificateFigures()
    origin = CertificateOrigin()
    plan = GrantPlanShape(source="certificate.plan", allow_null=True)
    missing = serializers.ListField(child=serializers.CharField(), help_text="What stands between it and its grant.")
    outcomes = CertificateOutcomes()

"""What was said, whom it was said to, and the letters that carry it out of the site."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from portal.notices.states import ENDED, LetterState


class Message(models.Model):
    """One thing that was said, once: the outbox. `key` names what it is about, so that saying it again says nothing.

    `path` opens the thing as it stands now. Until `spread_at` no letter carries it.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4)
    key = models.TextField(unique=True)
    kind = models.TextField()
    ticket_key = models.TextField(default="")
    text = models.TextField()
    path = models.TextField()
    created_at = models.DateTimeField()
    spread_at = models.DateTimeField(null=True)

    class Meta:
        """In the order in which things were said; one index for what no letter carries yet."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["id"], condition=Q(spread_at=None), name="notices_unspread")]

    def __str__(self) -> str:
        return self.text


class Notice(models.Model):
    """A message to one person. In the inbox unless they switched its kind off there; it may still come by mail."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="notices", db_index=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices", db_index=False
    )
    is_in_inbox = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first; one index for the inbox, one for what is new in it."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "person"], name="notices_told_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "-id"], condition=Q(is_in_inbox=True), name="notices_inbox"),
            models.Index(fields=["person", "-id"], condition=Q(is_in_inbox=True, read_at=None), name="notices_unread"),
        ]

    def __str__(self) -> str:
        return str(self.message)


class Preference(models.Model):
    """What one person chose for one kind of notice; without a row the kind's own default holds."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_preferences", db_index=False
    )
    kind = models.TextField()
    in_inbox = models.BooleanField()
    by_mail = models.BooleanField()

    class Meta:
        """One choice per person and kind."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind"], name="notices_one_preference_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person_id}"


class Outlet(models.Model):
    """A way out of the site: the mail server, which the settings describe, or one webhook.

    When it cannot be reached it rests, longer each time, and all its letters with it.
    """

    class Channel(models.TextChoices):
        """How letters leave."""

        MAIL = "mail", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    channel = models.TextField(choices=Channel.choices)
    name = models.TextField()
    url = models.TextField(default="")
    kinds = ArrayField(models.TextField(), default=list)
    is_enabled = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    error = models.TextField(default="")
    created_at = models.DateTimeField()

    class Meta:
        """Mail first; there is one mail server."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel"], condition=Q(channel="mail"), name="notices_one_mail_server"),
            models.CheckConstraint(condition=Q(channel="mail") | ~Q(url=""), name="notices_webhook_has_a_url"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        """Whether anything leaves this way: mail as the settings say, a webhook as people say."""
        return bool(settings.MAIL_URL) if self.channel == self.Channel.MAIL else self.is_enabled

    def carries(self, kind: str) -> bool:
        """Whether notices of this kind leave this way; a webhook without a list carries all."""
        return self.is_on and (not self.kinds or kind in self.kinds)


class WebhookSecret(models.Model):
    """What signs a webhook's letters. The web adds one and cannot read it again; the newest counts (law 5)."""

    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="secrets")
    secret = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        """Newest last."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"secret of outlet {self.outlet_id}"


class Letter(models.Model):
    """What is sent in one go: messages of one kind, through one outlet, to one person or (webhook) to a system.

    Until its first try further messages of the kind join it. `uid` stays the same however often it is sent, so that who
    receives it twice can tell. `due_at` moves on before each try, not after it: a try that kills the worker counts.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4)
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="letters", db_index=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="letters", db_index=False
    )
    kind = models.TextField()
    size = models.PositiveIntegerField(default=0)
    state = models.TextField(default=LetterState.WAITING, choices=[(each.value, each.value) for each in LetterState])
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(default="")
    note = models.TextField(default="")
    created_at = models.DateTimeField()
    messages = models.ManyToManyField(Message, through="Enclosure", related_name="letters")

    class Meta:
        """Indexes for what is due, for the letter that a message may join, for dead letters and for old ones."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=list(LetterState)), name="notices_letter_state_exists"),
            models.CheckConstraint(
                condition=Q(state=LetterState.WAITING, ended_at=None)
                | (~Q(state=LetterState.WAITING) & Q(ended_at__isnull=False)),
                name="notices_letter_end_has_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["outlet", "id"], condition=Q(state="waiting"), name="notices_letter_due"),
            models.Index(fields=["outlet", "kind", "person", "due_at"], name="notices_letter_recent"),
            models.Index(
                fields=["outlet", "kind", "person"],
                condition=Q(state="waiting", tries=0),
                name="notices_letter_open",
            ),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="notices_letter_dead"),
            models.Index(fields=["ended_at"], condition=Q(state__in=sorted(ENDED)), name="notices_letter_old"),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"


class Enclosure(models.Model):
    """A message in a letter."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="enclosures", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="enclosures")

    class Meta:
        """In the order of the messages."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["letter", "message"], name="notices_enclosed_once"),
        ]

    def __str__(self) -> str:
        return f"message {self.message_id} in letter {self.letter_id}"

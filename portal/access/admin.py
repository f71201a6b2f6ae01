"""People, their roles and their tokens at the settings pages. People are deactivated, never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.access import sessions, tokens
from portal.access.models import Person, Token
from portal.access.pages import person_of
from portal.audit import services as audit
from portal.audit.admin import Audited, ReadOnly, actor_of
from portal.kit.refusals import StaleTransition

if TYPE_CHECKING:
    NewPersonBase = AdminUserCreationForm[Person]
    PersonFormBase = UserChangeForm[Person]
    PersonAdminBase = UserAdmin[Person]
else:
    NewPersonBase, PersonFormBase, PersonAdminBase = AdminUserCreationForm, UserChangeForm, UserAdmin

RIGHTS = ("is_active", "is_staff", "is_superuser", "groups")


class NewPerson(NewPersonBase):
    """A name and a first password, or none for a machine that only uses tokens."""

    class Meta:
        model = Person
        fields = ("username",)


class PersonForm(PersonFormBase):
    """Roles as boxes to tick."""

    class Meta:
        model = Person
        fields = "__all__"
        widgets = {"groups": CheckboxSelectMultiple}


@admin.register(Person)
class PersonAdmin(Audited, PersonAdminBase):
    """Nobody changes their own rights, and only a superuser touches a superuser."""

    form = PersonForm
    add_form = NewPerson
    list_display = ("username", "full_name", "kind", "is_active", "is_staff")
    list_filter = ("kind", "is_active", "groups")
    search_fields = ("username", "full_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "kind")}),
        ("About", {"fields": ("full_name", "email")}),
        ("Rights", {"fields": RIGHTS}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "kind", "full_name", "email", "usable_password", "password1", "password2")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> tuple[str, ...]:
        if obj and obj.pk == request.user.pk:
            return RIGHTS
        return () if person_of(request).is_superuser else ("is_superuser",)

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        is_above = obj is not None and obj.is_superuser and not person_of(request).is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's
        """A new password for somebody, and the event that says so."""
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            person = self.get_object(request, id)
            if request.method == "POST" and answer.status_code == 302 and person:  # noqa: PLR2004 - saved
                subject = sessions.ref(person)
                audit.record("person.password_changed", actor=actor_of(request), at=timezone.now(), subject=subject)
        return answer


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(Audited):
    """A role, or the owners of a service."""

    search_fields = ("name",)
    ordering = ("name",)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Permissions as boxes to tick, read with the names of their models in one query."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs, widget=CheckboxSelectMultiple())
        field.queryset = field.queryset.select_related("content_type")
        return field


@admin.register(Token)
class TokenAdmin(ReadOnly):
    """Whose tokens there are and what they may do. Their text is kept nowhere; their fingerprint is not shown."""

    list_display = ("prefix", "person", "name", "scopes", "created_at", "expires_at", "revoked_at")
    list_select_related = ("person",)
    list_filter = ("person__kind",)
    search_fields = ("name", "person__username")
    fields = ("prefix", "person", "name", "scopes", "created_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever manages people ends their tokens."""
        return person_of(request).has_perm("access.change_person")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """End the selected tokens, one by one."""
        for token in queryset:
            try:
                tokens.revoke(token_id=token.pk, actor=actor_of(request), at=timezone.now())
            except StaleTransition as already:
                self.message_user(request, str(already), messages.WARNING)
            else:
                self.message_user(request, f"The token {token} is revoked.", messages.SUCCESS)

"""People, their roles and their tokens at the settings pages. People are deactivated, never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm, UsernameField
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Token
from portal.access.pages import person_of
from portal.audit.admin import Audited, ReadOnly, actor_of
from portal.kit.refusals import StaleTransition

if TYPE_CHECKING:
    NewPersonBase = ModelForm[Person]
    PersonFormBase = UserChangeForm[Person]
    PersonAdminBase = UserAdmin[Person]
else:
    NewPersonBase, PersonFormBase, PersonAdminBase = ModelForm, UserChangeForm, UserAdmin

RIGHTS = ("is_active", "is_staff", "is_superuser", "groups")


class NewPerson(NewPersonBase):
    """Nobody is given a password: people come in by a link, machines use tokens."""

    class Meta:
        model = Person
        fields = ("username",)
        field_classes = {"username": UsernameField}

    def clean_username(self) -> str:
        """No two people whose names differ in capitals only."""
        name: str = self.cleaned_data["username"]
        if Person.objects.filter(username__iexact=name).exists():
            raise ValidationError("Somebody has this name already.")
        return name

    def save(self, commit: bool = True) -> Person:  # noqa: FBT001, FBT002 - Django's
        self.instance.set_unusable_password()
        return super().save(commit)


class PersonForm(PersonFormBase):
    """Roles as boxes to tick, and no password, not even its digest."""

    password = None  # type: ignore[assignment]  # how Django's forms drop a field

    class Meta:
        model = Person
        exclude = ("password",)
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
        (None, {"fields": ("username", "kind")}),
        ("About", {"fields": ("full_name", "email")}),
        ("Rights", {"fields": RIGHTS}),
    )
    add_fieldsets = ((None, {"fields": ("username", "kind", "full_name", "email")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> tuple[str, ...]:
        if obj and obj.pk == request.user.pk:
            return RIGHTS
        return () if person_of(request).is_superuser else ("is_superuser",)

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        is_above = obj is not None and obj.is_superuser and not person_of(request).is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's
        """Nobody sets somebody else's password; a link lets them do it themselves."""
        person = self.get_object(request, id)
        return redirect("invite", person.pk) if person else redirect("admin:access_person_changelist")


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

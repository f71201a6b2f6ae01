"""Template tags of the design system: icons, tags, times, slots, navigation, and filters that word a value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from django import template
from django.forms import BaseForm
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.kit import labels, markdown, slots, visible
from portal.kit.durations import span

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=1024)  # a page draws the same few icons hundreds of times
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """An icon of the sprite. With a label it speaks for itself; without one it is decoration beside words."""
    css_class = f"icon {css}".rstrip()
    use = format_html('<use href="{}#{}"/>', static("vendor/icons.svg"), name)
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}">{}</svg>', css_class, label, use)
    return format_html('<svg class="{}" aria-hidden="true">{}</svg>', css_class, use)


@register.simple_tag
@lru_cache(maxsize=1024, typed=True)
def tag(kind: str, value: object) -> SafeString:
    """The tag of a value of a kind: `{% tag "status" ticket.status %}`, also severity, risk, plan, verdict, level."""
    label = labels.label_of(kind, value)
    drawn = icon(label.icon) if label.icon else ""
    return format_html('<span class="tag {}">{}{}</span>', label.tone, drawn, label.text)


@register.simple_tag
@lru_cache(maxsize=1024, typed=True)
def symbol(kind: str, value: object, name: str = "") -> SafeString:
    """Only the icon of a value, for narrow places; read aloud it says what is meant and how it stands."""
    label = labels.label_of(kind, value)
    return icon(label.icon or "circle-dashed", f"{name}: {label.text}" if name else label.text, label.tone)


@register.simple_tag
@lru_cache(maxsize=2048, typed=True)  # scores repeat from row to row, and from one look at a list to the next
def meter(value: float | None, level: str = "", label: str = "Reliability") -> SafeString:
    """A score from 0 to 100 as a bar with its number and level."""
    return render_to_string("components/meter.html", {"value": value, "level": level, "label": label})


@register.simple_tag
@lru_cache(maxsize=1024, typed=True)
def gate_icons(gates: tuple[tuple[str, object], ...]) -> SafeString:
    """Gates in one row of icons, for lists: the name of each, and whether it has passed."""
    return render_to_string("components/gate_icons.html", {"gates": gates})


@register.simple_tag
@lru_cache(maxsize=4096, typed=True)
def remembered(path: str, row: Hashable) -> SafeString:
    """A template that needs nothing but one unchanging value, `row`: lists show the same rows again and again."""
    return render_to_string(path, {"row": row})


@register.filter
def word(value: object, kind: str) -> str:
    """The plain words for a value of a kind: `{{ row.level|word:"level" }}`."""
    return labels.label_of(kind, value).text


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """The exact time in words, for what must read the same whenever it is read."""
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), _exact(at))


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """How long ago, readable, exact on hover and for machines; scripts keep it fresh."""
    if at is None:
        return "never"
    seconds = (timezone.now() - at).total_seconds()
    fresh = " data-ago" if seconds >= 0 else ""
    when = at.isoformat(timespec="seconds")  # nothing in these texts is anybody's, so that nothing is escaped
    return SafeString(f'<time datetime="{when}" title="{_exact(at)}"{fresh}>{_span(seconds)}</time>')


@register.simple_tag
def lasted(span: timedelta) -> str:
    """How long something took or has lasted, in its largest unit, seconds included: what stalls is counted in those."""
    return _amount(span.total_seconds()) or f"{max(0, int(span.total_seconds()))} s"


@register.simple_tag
def counting(seconds: float, way: Literal["up", "down"], over: str = "") -> SafeString:
    """Seconds as a clock that scripts let run on, `up` or `down`; one that has run down says `over`."""
    text = over if way == "down" and seconds <= 0 else span(seconds)
    clock = '<span role="timer" class="clock" data-counts="{}" data-seconds="{}" data-over="{}">{}</span>'
    return format_html(clock, way, f"{seconds:.1f}", over, text)


def _exact(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y, %H:%M:%S UTC")


def _span(seconds: float) -> str:
    words = _amount(abs(seconds))
    if not words:
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _amount(seconds: float) -> str:
    for name, size in (("day", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // size)
        if count:
            return f"{count} {'days' if name == 'day' and count > 1 else name}"
    return ""


@register.simple_tag
def stars(rating: float | None) -> SafeString:
    """A rating as five stars with its number in words."""
    if rating is None:
        return SafeString('<span class="muted">no ratings</span>')
    icons = (icon("star-filled", css="" if n <= round(rating) else "off") for n in range(1, 6))
    drawn = format_html_join("", "{}", ((one,) for one in icons))
    return format_html('<span class="rating" role="img" aria-label="{} of 5 stars">{}</span>', f"{rating:g}", drawn)


@register.filter
def or_no_data(value: object, unit: str = "") -> SafeString | str:
    """A number with its unit, or the words "no data" for None: an unknown is never shown as zero."""
    if value is None:
        return SafeString('<span class="muted">no data</span>')
    return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"


@register.filter(name="markdown")
def markdown_filter(text: str) -> SafeString:
    """Markdown as safe HTML."""
    return markdown.html_of(text)


@register.filter(name="visible")
def visible_filter(text: str) -> SafeString:
    """Escaped text in which hidden characters show."""
    return visible.visible(text)


@register.filter
def unbroken(text: str) -> SafeString:
    """The same for commands: they wrap between words only."""
    return visible.unbroken(text)


@register.filter
def problems_of(form: BaseForm) -> Iterable[tuple[str, str]]:
    """Every error of a form as (id of its field or "", sentence), for the summary on top."""
    for name, errors in form.errors.items():
        field = form[name] if name in form.fields else None
        place = (field.id_for_label or field.auto_id) if field else ""
        for error in errors:
            yield place, f"{_named(str(field.label))} {error}" if field else str(error)


def _named(label: str) -> str:
    return label if label.endswith(("?", ".", "!")) else f"{label}:"


@register.simple_tag(takes_context=True)
def slot(context: Context, name: str, *given: Any) -> SafeString:
    """Everything that rooms registered for a slot; `given` goes to their context functions."""
    request = context["request"]
    found = ((filler.template, filler.context(request, *given)) for filler in slots.fillers(name))
    texts = (render_to_string(path, dict(more), request) for path, more in found if more is not None)
    return format_html_join("", "{}", ((text,) for text in texts))


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[dict[str, object]]:
    """The entries this person sees, each with its address, its count and whether the page belongs to it."""
    request = context.get("request")
    if request is None:
        return []
    return [
        {
            "label": item.label,
            "icon": item.icon,
            "url": (url := reverse(item.url_name)),
            "count": item.count(request) if item.count else 0,
            "current": _belongs(request.path, url),
        }
        for item in slots.items("nav")
        if item.permitted(request)
    ]


def _belongs(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))

"""Markdown of people and of the model as safe HTML: no raw HTML, no images, no scripts in links."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_LOWEST_HEADING = 6
_START = 3  # a page and its card already have the first two levels


def html_of(text: str, *, start: int = _START) -> SafeString:
    """The HTML of a Markdown text. Raw HTML in it is shown, not used; an image becomes the link it points to.

    `start` is the level that its first level of headings gets.
    """
    return SafeString(_PARSER.render(text, {"start": start}))


class _Renderer(RendererHTML):
    """Links that give nothing away about the page they are on, headings that fit below a page's own."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrSet("rel", "noopener noreferrer nofollow")
        return self.renderToken(tokens, idx, options, env)

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        level = int(tokens[idx].tag[1:]) + env["start"] - 1
        tokens[idx].tag = f"h{min(level, _LOWEST_HEADING)}"
        return self.renderToken(tokens, idx, options, env)

    heading_close = heading_open


_PARSER = (
    MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    .enable(["table", "strikethrough"])
    .disable("image")
)

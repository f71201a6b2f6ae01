"""What an exchange cost, by the price tables of a library; nothing is fetched, and an unknown price stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from remediation.drafting.protocol import Exchange, Spend

MICRO = 1_000_000
MICRO_USD_PER_CENT = 10_000
TOKENS_PER_CENT = 400
"""What a cent buys at 25 dollars a million, dearer than most: the stand-in where the price is unknown."""


def price_of(body: Mapping[str, Any]) -> int | None:
    """The price of an answer of the Messages API in millionths of a dollar; None if no table has the model."""
    from genai_prices import extract_usage  # noqa: PLC0415 - only the process that drafts needs the tables

    try:
        price = extract_usage(dict(body), provider_id="anthropic").calc_price().total_price
    except (LookupError, ValueError):
        return None
    return round(price * MICRO)


def spend_of(exchanges: Iterable[Exchange], before: Spend) -> Spend:
    """All that was spent on a ticket, these exchanges included."""
    micro_usd, unpriced = before.micro_usd, before.unpriced_tokens
    for exchange in exchanges:
        if exchange.price_micro_usd is None:
            unpriced += exchange.tokens
        else:
            micro_usd += exchange.price_micro_usd
    return Spend(micro_usd, unpriced)


def is_used_up(spend: Spend, *, budget_cents: int) -> bool:
    """Whether a budget is spent; tokens without a price count by a cautious stand-in."""
    return spend.micro_usd / MICRO_USD_PER_CENT + spend.unpriced_tokens / TOKENS_PER_CENT >= budget_cents

"""A card's first figure on test and on val, side by side, and what to expect where they differ."""

from __future__ import annotations

from models.cards import Metric, ModelCard


def beside(card: ModelCard) -> tuple[Metric, ...]:
    """The first figure, then the same of the other splits of that data set; empty without any."""
    if not card.metrics:
        return ()
    first = card.metrics[0]
    others = [
        one
        for one in card.metrics[1:]
        if (one.name, one.data_set) == (first.name, first.data_set) and one.split != first.split
    ]
    return (first, *others)


def sentence(card: ModelCard) -> str:
    """Both with their intervals, and what to expect; empty for a card without figures."""
    found = beside(card)
    if not found:
        return ""
    others = "".join(
        f"; {one.split} {one.value:.3g} ({one.low:.3g} to {one.high:.3g}, n = {one.n})"
        for one in found[1:]
    )
    return f"{found[0].sentence}{others}. {expectation(card)}".rstrip()


def expectation(card: ModelCard) -> str:
    """What to expect where a figure lies outside of the other's interval; empty elsewhere."""
    found = beside(card)
    apart = [
        one
        for one in found[1:]
        if one.low < one.high  # no interval tells nothing, as where no case of n was wrong
        if not one.low <= found[0].value <= one.high
        or not found[0].low <= one.value <= found[0].high
    ]
    if not apart:
        return ""
    values = [found[0].value, *(one.value for one in apart)]
    return (
        "One lies outside of the other’s interval: expect something between "
        f"{min(values):.3g} and {max(values):.3g}."
    )

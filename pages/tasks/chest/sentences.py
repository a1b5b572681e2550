"""What a chest film's answers say, in sentences: verdict, flagged findings, the heart."""

from __future__ import annotations

from core.chest import ctr, heart_size
from core.chest.ctr import CardiothoracicRatio
from core.percent import percent
from models.cards import ModelCard
from models.chest.settings import findings_settings
from pages.shared.stage import Tone
from pages.tasks.chest.reading import CARDIOMEGALY, Reading, false_calls, measured


def caveats(reading: Reading, ratio: CardiothoracicRatio) -> list[str]:
    """Why the ratio of this film may mislead, in sentences."""
    found = reading.judged_by(ratio)
    said = [f"Not judged: {found.reason}."] if found is not None and found.reason else []
    return [*said, *ctr.caveats(ratio, reading.image.shape, reading.image.view)]


def is_mirrored(reading: Reading) -> bool:
    """Whether a plausible heart lies on the wrong side."""
    if reading.ratio is None or heart_size.implausible(reading.ratio, reading.masks):
        return False
    return heart_size.looks_mirrored(reading.ratio, reading.masks["heart"])


def side_check(reading: Reading) -> str:
    """Whether the film may be mirrored, in a sentence."""
    if reading.ratio is None or heart_size.implausible(reading.ratio, reading.masks):
        return "Mirroring was not checked: no plausible heart was found."
    if is_mirrored(reading):
        return (
            "**The heart lies on the viewer’s left:** the film is mirrored, or the person has "
            "dextrocardia. Check the side mark."
        )
    return "The heart lies on the viewer’s right, so the film does not look mirrored."


def _short(card: ModelCard) -> str:
    """A card's title without the finding that all cards beside it share."""
    name = card.title.removeprefix(f"{CARDIOMEGALY}, ")
    return name[:1].upper() + name[1:]


def _many(reading: Reading, name: str) -> str:
    """The network of many findings, with the partner whose log odds are summed with its own."""
    partner = findings_settings(reading.card).partners.get(CARDIOMEGALY)
    beside = [_short(card) for card, _ in reading.single if card.name == partner]
    return f"{name}, summed with “{beside[0]}”" if beside else name


def flagged(reading: Reading) -> str:
    """What is called, strong calls first, and how many calls a clear film gets; Markdown."""
    rows = [row for row in reading.rows if row.above]
    usual = false_calls(reading.card)
    expected = f" A film with none of them gets {usual:.1f} such calls on average."
    expected = expected if usual == usual else ""  # NaN where the card has no metrics
    if not rows:
        return (
            "**No finding is above its threshold.** That is an answer, not proof that nothing is "
            "there."
        )
    lines = []
    for row in sorted(rows, key=lambda row: not row.strong):
        size = "**Flagged: {}**" if row.strong else "Weakly flagged: {}"
        standing = f"; {row.standing}" if row.standing else ""
        lines.append(f"- {size.format(row.name.lower())} {row.words}{standing}")
    return "\n".join(lines) + f"\n\n{expected.strip()}"


def verdict(reading: Reading) -> tuple[str, Tone]:
    """The answer in one line, and how it is to be taken."""
    rows = [row for row in reading.rows if row.above]
    strong = [row for row in rows if row.strong]
    count = len(rows)
    said = f"**{count or 'No'} finding{'' if count == 1 else 's'} above threshold**"
    if strong:
        top = strong[0]
        said += ": " if count == 1 else ", strongest "
        said += f"{top.name.lower()} {percent(top.probability)}"
    elif rows:
        said += ", weak" if count == 1 else ", all weak"
    heart = reading.heart
    said += f"; {heart.sentence}" if heart else "; CTR not measurable"
    if heart is not None and heart.enlarged and reading.image.view is None:
        said += " if this is a PA film"
    if heart is not None and heart_size.IMPLAUSIBLE in heart.reason:
        return said, "problem"
    if is_mirrored(reading):
        return f"{said}; **mirrored film?**", "problem"
    if strong or (heart is not None and heart.enlarged):
        return said, "attention"
    return said, "neutral" if rows or heart is None or heart.enlarged is None else "clear"


def agreement(reading: Reading) -> str:
    """Whether networks and ruler agree on the heart, in a sentence."""
    called = {
        name: found.is_above(CARDIOMEGALY)
        for name, found in (
            (_many(reading, "the network of many findings"), reading.findings),
            *((f"“{_short(card)}”", found) for card, found in reading.single),
        )
        if CARDIOMEGALY in found.probabilities
    }
    heart = reading.heart
    if heart is not None and heart.enlarged is not None:
        called["the ruler (CTR)"] = heart.enlarged
    yes = [name for name, answer in called.items() if answer]
    no = [name for name, answer in called.items() if not answer]
    ruler = "the ruler (CTR)" in called
    if yes and no:
        words = f"On the heart they disagree: enlarged for {_and(yes)}, not for {_and(no)}."
    elif yes:
        words = f"All {'networks and the ruler' if ruler else 'networks'} call the heart enlarged."
    else:
        words = f"No network{' nor the ruler' if ruler else ''} calls the heart enlarged."
    return words if ruler else f"{words} The ratio is not judged on this film."


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def opinions(reading: Reading) -> list[dict[str, str]]:
    """Cardiomegaly by every network and by the ratio, one row each."""
    rows = []
    networks = [(_many(reading, "One of 14 findings"), reading.findings)]
    networks += [(_short(card), found) for card, found in reading.single]
    for name, found in networks:
        if CARDIOMEGALY in found.probabilities:
            point = percent(found.operating_points[CARDIOMEGALY])
            probability = percent(found.probabilities[CARDIOMEGALY])
            says = "enlarged" if found.is_above(CARDIOMEGALY) else "not enlarged"
            rows.append(_opinion(name, probability, point, says))
    ratios = {"CTR, network’s lines": reading.ratio, "CTR, by hand": reading.by_hand}
    for name, ratio in ratios.items():
        heart = reading.judged_by(ratio)
        if heart is not None:
            rows.append(_opinion(name, f"{heart.ratio.ratio:.3f}", f"{ctr.LIMIT:g}", heart.words))
    if "masks" in reading.case.truth:
        true, _ = measured(reading.case.truth["masks"])
        if true is not None:
            says = "enlarged" if true.enlarged else "not enlarged"
            rows.append(_opinion("CTR, ground truth", f"{true.ratio:.3f}", f"{ctr.LIMIT:g}", says))
    return rows


def _opinion(name: str, value: str, limit: str, says: str) -> dict[str, str]:
    return {"asked": name, "value": value, "threshold": limit, "heart": says}

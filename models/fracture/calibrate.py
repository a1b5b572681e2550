"""Fit the fused probability on val: `python -m models.fracture.calibrate --data F`.

Writes the coefficients, with what they were fitted on, into the classifier's card. Score them
afterwards, once, with `models.fracture.evaluate` on a split that this has not seen.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from core.fracture.fusion import Fusion, fit
from core.metrics.statistics import auroc
from models.cards import MODELS, load_card
from models.fracture.classify import load_classifier, probability
from models.fracture.evaluate import data_set_cases
from models.fracture.predict import candidates, load_model

CARD = MODELS / "fracture" / "classifier.toml"


def write_fusion(card: Path, fusion: Fusion, source: str, films: int, share: float) -> None:
    """Replace the table `settings.fusion` of a card, or add it.

    Args:
        card: TOML file.
        fusion: The coefficients.
        source: What they were fitted on, in words.
        films: On how many films.
        share: Share of them that were fractured.
    """
    table = (
        "[settings.fusion]\n"
        f"bias = {fusion.bias:.4f}\n"
        f"detector = {fusion.detector:.4f}\n"
        f"classifier = {fusion.classifier:.4f}\n"
        f'fitted_on = "{source}"\n'
        f"n = {films}\n"
        f"share_fractured = {share:.3f}\n\n"
    )
    text = card.read_text(encoding="utf-8")
    text = re.sub(r"\[settings\.fusion\]\n(?:[^\[\n].*\n)*\n?", "", text)
    before, first, after = text.partition("[[metrics]]")
    card.write_text(before + table + first + after, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--split", default="val")
    parser.add_argument("--card", type=Path, default=CARD, help="the card to write into")
    options = parser.parse_args(arguments)
    detector = load_model(load_card("fracture", "detector"))
    classifier = load_classifier(load_card("fracture", "classifier"))
    best, chances, truth = [], [], []
    for case, image in data_set_cases(options.data, options.split):
        found = candidates(detector, image)
        best.append(float(found.scores[0]) if len(found) else 0.0)
        chances.append(probability(classifier, image))
        truth.append(case.fractured)
    fusion = fit(best, chances, truth)
    share = sum(truth) / len(truth)
    write_fusion(options.card, fusion, f"FracAtlas (part), {options.split}", len(truth), share)
    print(f"{fusion}, n = {len(truth)}")
    for name, scores in (
        ("detector", best),
        ("classifier", chances),
        ("fused", fusion.probabilities(best, chances)),
    ):
        print(f"AUROC on {options.split}, {name}: {auroc(truth, scores):.3f}")


if __name__ == "__main__":
    main()

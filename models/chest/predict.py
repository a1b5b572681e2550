"""Which findings a chest film shows, with calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.chest.result import Findings
from core.images import FloatArray, Radiograph
from core.stages import Progress, Step, run_stages
from models.cards import ModelCard, load_card
from models.chest.preprocess import input_stages, network_film
from models.chest.settings import findings_settings
from models.chest.weights import LOGITS, Answering
from models.onnx_runtime import open_network


@dataclass(frozen=True, eq=False)
class Model:
    """One or several classifiers that answer together; several threads may share it.

    Attributes:
        title: What the screen calls it.
        networks: By title; `models.chest.weights` names their outputs.
        labels: Findings in the order of the outputs.
        side_px: Side of the square that the networks receive.
        calibration: Slope and offset by finding that turn the mean log odds into calibrated
            ones (Platt 1999).
        operating_points: Probability from which a finding counts as present.
        mirrored: Whether the answer is the mean over the film and its mirror image.
        partners: By finding, a network of that finding alone, which sees the film as it is; its
            log odds are added to those of the networks.
    """

    title: str
    networks: Mapping[str, Answering]
    labels: tuple[str, ...]
    side_px: int
    calibration: Mapping[str, tuple[float, float]]
    operating_points: Mapping[str, float]
    mirrored: bool = False
    partners: Mapping[str, Answering] = field(default_factory=dict)


def members(card: ModelCard) -> list[ModelCard]:
    """The cards whose networks answer together: the card itself, then those that it names."""
    return [card, *(load_card("chest", name) for name in findings_settings(card).members)]


def load_model(card: ModelCard) -> Model:
    """Load the classifier of a card, with the further members that the card names.

    Raises:
        WeightsError: If weights are missing, not those of the card (found before the file is
            opened), or hold no network that can be run.
    """
    networks = {
        findings_settings(member).member_title or member.title: open_network(member)
        for member in members(card)
    }
    settings = findings_settings(card)
    calibration = {label: settings.calibration.get(label, (1.0, 0.0)) for label in card.labels}
    return Model(
        card.title,
        networks,
        card.labels,
        int(card.input_shape[-1]),
        calibration,
        {label: float(card.operating_points.get(label, 0.5)) for label in card.labels},
        settings.mirrored,
        {
            label: open_network(load_card("chest", name))
            for label, name in settings.partners.items()
        },
    )


def steps(model: Model, image: Radiograph, progress: Progress | None = None) -> list[Step]:
    """The stages from the film to what the networks receive, for display."""
    return run_stages(image.pixels, input_stages(model.side_px), progress=progress)


def network_input(model: Model, image: Radiograph) -> FloatArray:
    """What the networks receive: float32 (S, S) in [0, 1].

    Raises:
        UnsuitableInputError: If the film is too small or of one grey.
    """
    return network_film(image, model.side_px)


def member_log_odds(model: Model, batch: FloatArray) -> dict[str, FloatArray]:
    """Uncalibrated log odds (N, labels) of every member on inputs (N, S, S), partners' added."""
    seen = np.asarray(batch, np.float32)[:, None]
    added = np.zeros((len(seen), len(model.labels)), np.float32)
    for label, partner in model.partners.items():
        (logits,) = partner(seen, only=(LOGITS,))
        added[:, model.labels.index(label)] = logits[:, 0]
    found = {}
    for title, network in model.networks.items():
        (logits,) = network(seen, only=(LOGITS,))
        if model.mirrored:
            (other,) = network(seen[..., ::-1], only=(LOGITS,))
            logits = np.asarray((logits + other) / 2, np.float32)
        found[title] = logits + added
    return found


def calibrated(model: Model, log_odds: FloatArray) -> FloatArray:
    """Probabilities (N, labels) of log odds (N, labels)."""
    slopes, offsets = np.array([model.calibration[label] for label in model.labels]).T
    shifted = log_odds * slopes + offsets
    return (1 / (1 + np.exp(-np.clip(shifted, -30, 30)))).astype(np.float32)


def probabilities(model: Model, batch: FloatArray) -> FloatArray:
    """Calibrated probabilities (N, labels) of inputs float32 (N, S, S) in [0, 1]."""
    members = list(member_log_odds(model, batch).values())
    return calibrated(model, np.mean(members, axis=0))


def classify(model: Model, image: Radiograph) -> Findings:
    """Which findings the film shows.

    Raises:
        UnsuitableInputError: If the film is too small or of one grey.
    """
    batch = network_input(model, image)[None]
    members = member_log_odds(model, batch)
    together = calibrated(model, np.mean(list(members.values()), axis=0))[0]
    apart = {}
    if len(members) > 1:
        apart = {
            title: _by_label(model, calibrated(model, log_odds)[0])
            for title, log_odds in members.items()
        }
    return Findings(
        _by_label(model, together), model.operating_points, model.title, model.side_px, apart
    )


def _by_label(model: Model, row: FloatArray) -> dict[str, float]:
    return {label: float(value) for label, value in zip(model.labels, row, strict=True)}

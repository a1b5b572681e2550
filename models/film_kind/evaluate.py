"""Score the film-kind network: `python -m models.film_kind.evaluate --data F --split S --json F`.

`F` holds the data sets as `models.film_kind.films.real_films` reads them; `--phantoms N` scores
N phantoms of each kind, and N pictures out of distribution, instead. Every film is looked at as
it is, and after all films were brought to one size in two ways, so that neither size nor shape
can help.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.film_kind import ACCEPTED, EXPECTED, KINDS, ORIENTATIONS, FilmKind, refusal
from core.images import FloatArray
from core.metrics.statistics import bootstrap_interval
from models.cards import load_card
from models.film_kind.cross_sections import cross_section
from models.film_kind.films import Film, phantom_films, pixels_of, real_films
from models.film_kind.out_of_distribution import foreign_picture
from models.film_kind.recognise import Model, contrast, film_kinds, load_model, shrink, stretch

SIZES = ("as it is", "squeezed into 64 px", "fitted into 128 px")
BATCH = 256


@dataclass(frozen=True, eq=False)
class Case:
    """One film with the network's answer.

    Attributes:
        film: What it is and where it comes from.
        answer: The answer.
        turns: Quarter turns to the left that were made before.
        inverted: Whether it was inverted before.
    """

    film: Film
    answer: FilmKind
    turns: int = 0
    inverted: bool = False

    def refused(self, wanted: str) -> bool:
        """Whether the page that wants such a film refuses it."""
        return refusal(self.answer, wanted) is not None


def sized(pixels: FloatArray, size: str) -> FloatArray:
    """A film brought to one of `SIZES`."""
    import cv2

    if size == SIZES[0]:
        return pixels
    if size == SIZES[1]:
        return shrink(pixels, 64)
    scale = 128 / max(pixels.shape)
    height, width = (max(1, round(side * scale)) for side in pixels.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = np.zeros((128, 128), np.float32)
    top, left = (128 - height) // 2, (128 - width) // 2
    fitted[top : top + height, left : left + width] = cv2.resize(
        pixels, (width, height), interpolation=how
    )
    return fitted


def cases(model: Model, films: Iterable[tuple[Film, FloatArray, int, bool]]) -> Iterator[Case]:
    """Answers for films with their pixels, turns and polarity."""
    batch: list[tuple[Film, FloatArray, int, bool]] = []

    def answered() -> Iterator[Case]:
        inputs = np.stack([stretch(small) for _, small, _, _ in batch])[:, None]
        contrasts = [contrast(small) for _, small, _, _ in batch]
        answers = film_kinds(model.forward(inputs), contrasts, model.operating_points)
        for (film, _, turns, inverted), answer in zip(batch, answers, strict=True):
            yield Case(film, answer, turns, inverted)
        batch.clear()

    for film, pixels, turns, inverted in films:
        batch.append((film, shrink(pixels, model.side_px), turns, inverted))
        if len(batch) == BATCH:
            yield from answered()
    if batch:
        yield from answered()


def out_of_distribution_films(count: int) -> Iterator[Film]:
    """So many pictures of nothing; training draws its own from one other generator."""
    for seed in range(count):
        yield Film(
            foreign_picture(np.random.default_rng([seed, 7])),
            "other",
            "out of distribution",
            f"picture {seed}",
        )


def cross_section_films(count: int) -> Iterator[Film]:
    """So many simulated slices; training draws its own from one other generator."""
    for seed in range(count):
        grey = cross_section(np.random.default_rng([seed, 7]))
        yield Film(grey, "cross-section", "simulated cross-sections", f"cross-section {seed}")


def as_found(films: Iterable[Film], size: str) -> Iterator[tuple[Film, FloatArray, int, bool]]:
    """The films at a size, neither turned nor inverted."""
    for film in films:
        yield film, sized(pixels_of(film), size), 0, False


def all_ways(films: Iterable[Film]) -> Iterator[tuple[Film, FloatArray, int, bool]]:
    """Each film in four orientations and both polarities."""
    for film in films:
        pixels = pixels_of(film)
        for turns in range(4):
            for inverted in (False, True):
                seen = np.ascontiguousarray(np.rot90(pixels, turns))
                yield film, 1 - seen if inverted else seen, turns, inverted


def report(model: Model, films: Sequence[Film], *, draws: int = 1000) -> dict[str, Any]:
    """All figures, with bootstrap 95 % intervals over films."""
    result: dict[str, Any] = {"n": len(films), "sizes": {}}
    for size in SIZES:
        found = list(cases(model, as_found(films, size)))
        result["sizes"][size] = {
            "refused": {w: _refusals(found, w, draws) for w in EXPECTED},
            "right_kind": {
                kind: _share([c.answer.kind == kind for c in found if c.film.kind == kind], draws)
                for kind in KINDS
            },
        }
        if size == SIZES[0]:
            result["cases"] = [_row(case) for case in found]
    chests = [film for film in films if film.kind == "chest"]
    result["chest_all_ways"] = _orientation(list(cases(model, all_ways(chests))), draws)
    hands = [film for film in films if film.kind == "hand"]
    turned = list(cases(model, all_ways(hands)))
    result["hands_all_ways_refused"] = _share([case.refused("hand") for case in turned], draws)
    return result


def _refusals(found: Sequence[Case], wanted: str, draws: int) -> dict[str, Any]:
    """Share refused by source, and over what should be refused (hands of FracAtlas apart)."""
    sources = sorted({case.film.source for case in found})
    by_source = {
        source: _share([c.refused(wanted) for c in found if c.film.source == source], draws)
        for source in sources
    }
    accepted = ACCEPTED[wanted]
    own = [case.refused(wanted) for case in found if case.film.kind in accepted]
    foreign = [
        case.refused(wanted)
        for case in found
        if case.film.kind not in accepted and (wanted != "hand" or case.film.kind != "other hand")
    ]
    return {"own": _share(own, draws), "foreign": _share(foreign, draws), "by_source": by_source}


def _orientation(found: Sequence[Case], draws: int) -> dict[str, Any]:
    """How often orientation and polarity are right on chest films turned in all ways."""

    def right(case: Case) -> bool:
        return case.answer.orientation == ORIENTATIONS[case.turns]

    return {
        "orientation_right": _share([right(case) for case in found], draws),
        "inverted_right": _share([case.answer.inverted == case.inverted for case in found], draws),
        "both_right": _share(
            [right(case) and case.answer.inverted == case.inverted for case in found], draws
        ),
        "upright_called_turned": _share(
            [not right(case) for case in found if not case.turns and not case.inverted], draws
        ),
        "called_inverted_wrongly": _share(
            [case.answer.inverted for case in found if not case.turns and not case.inverted], draws
        ),
        "refused": _share([case.refused("chest") for case in found], draws),
    }


def _share(yes: Sequence[bool], draws: int) -> dict[str, Any]:
    if not yes:
        return {"share": None, "low": None, "high": None, "n": 0}
    values: NDArray[np.float64] = np.asarray(yes, float)
    low, high = bootstrap_interval(lambda v: float(v.mean()), values, draws=draws)
    return {"share": float(values.mean()), "low": low, "high": high, "n": len(values)}


def _row(case: Case) -> dict[str, Any]:
    return {
        "file": case.film.file,
        "source": case.film.source,
        "kind": case.film.kind,
        "whole_frontal": case.film.whole_frontal,
        "contrast": round(case.answer.contrast, 4),
        "probabilities": {k: round(p, 4) for k, p in case.answer.probabilities.items()},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--split", default="test")
    parser.add_argument("--phantoms", type=int, default=0, help="score so many phantoms instead")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap resamples")
    options = parser.parse_args(arguments)
    if options.phantoms:
        films = [
            *phantom_films(0, options.phantoms),
            *out_of_distribution_films(options.phantoms),
            *cross_section_films(options.phantoms),
        ]
    elif options.data:
        films = list(real_films(options.data, options.split))
    else:
        parser.error("give --data or --phantoms")
    found = report(load_model(load_card("film_kind", "film_kind")), films, draws=options.draws)
    options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for size, figures in found["sizes"].items():
        for wanted, shares in figures["refused"].items():
            print(f"{size}: refused for {wanted}")
            rows = {"own": shares["own"], "foreign": shares["foreign"], **shares["by_source"]}
            for name, share in rows.items():
                print(f"    {name}: {_shown(share)}")
    for name, share in found["chest_all_ways"].items():
        print(f"chest, all ways: {name} {_shown(share)}")
    print(f"hands, all ways: refused {_shown(found['hands_all_ways_refused'])}")


def _shown(share: dict[str, Any]) -> str:
    if not share["n"]:
        return "–"
    return f"{share['share']:.4f} ({share['low']:.4f} to {share['high']:.4f}), n = {share['n']}"


if __name__ == "__main__":
    main()

"""What was measured: published experiments repeated, heat maps scored, calibration, resolution."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.chest import study_plots
from core.glossary import GLOSSARY
from core.metrics.experiments import Claim
from core.metrics.roc import roc, roc_band
from core.percent import percent
from core.plots import curves
from core.practice.plots import roc_plot
from models.cards import MODELS, Metric, ModelCard, task_cards
from pages.shared import charts, experiments, views
from pages.shared.address import KEPT
from pages.tasks.chest.sidebar import classifiers

FOLDER = MODELS / "chest"
RATIO = "against the measured ratio"
TABLES = {
    "Augmentation": "experiments.csv",
    "Heat maps": "heatmaps.csv",
    "Calibration": "reliability.csv",
    "Resolution": "findings.toml",
}
RANKING = (
    "The published student project ranked augmentations by validation accuracy: small rotations "
    "best, Gaussian blur worst. Here every setting was trained from the same films. All were "
    "brought to 64 px, every film with a large heart has its counterpart of the same size and "
    "view, and each film was scored by a network that has not seen its patient."
)
ROTATION = "rotation up to 18°"
CLAIMS = (
    Claim("Small rotations are best, better than none.", ROTATION, "none"),
    Claim("Blur is worst, worse than none.", "none", "Gaussian blur up to 2 px"),
)
FLIP = (
    "A horizontal flip is anatomically wrong: it puts the heart on the right side, which is rare "
    "in people (dextrocardia). It is here because many recipes use it."
)
AXES = {
    "energy": "share of the heat in the region",
    "likeness": "rank correlation with random weights",
}
QUESTIONS = {
    "boxes": (
        "Does the heat point where a radiologist drew the box?",
        "NIH films with boxes by radiologists around the finding. They are few, so those of "
        "training are shown as well, marked by split. Pointing: the share of films whose hottest "
        "place lies in the box. Energy: the share of the heat in it.",
    ),
    "heart": (
        "Is cardiomegaly seen at the heart?",
        "Films whose measured ratio exceeds 0.5, against the outline of the heart by a person.",
    ),
    "random weights": (
        "Does the map need the network?",
        "Likeness (Spearman’s rank correlation) of each map to that of the same network with "
        "random weights, after Adebayo et al. 2018. Near 1, the map shows the film’s edges, not "
        "what was learned; near 0, it depends on the weights.",
    ),
}


def show() -> None:
    """One table at a time."""
    there = [name for name, file in TABLES.items() if (FOLDER / file).is_file()]
    name = views.segments("What was measured", there, "chest_measured")
    {
        "Augmentation": augmentation,
        "Heat maps": _heat_maps,
        "Calibration": _calibration,
        "Resolution": _resolution,
    }[name](FOLDER / TABLES[name])


def augmentation(path: Path = FOLDER / TABLES["Augmentation"]) -> None:
    """The published experiments, run by run, with what can be said of each."""
    st.markdown("#### Cardiomegaly against films without a finding: one change at a time")
    table = pd.read_csv(path)
    experiments.published(table, CLAIMS)
    st.write(RANKING)
    experiments.show("chest", table)
    first = table.iloc[0]
    st.caption(
        f"MobileNetV2 at 128 px, {first['epochs']} epochs, three networks a run, each trained on "
        f"two thirds of the films ({first['n_train']}) and asked about the others; together "
        f"{first['n_val']} films of training and validation, {first['n_val_positive']} of them "
        "with a large heart. AUROC: films of one size and one network are compared. Intervals: "
        "films drawn anew, the same for both settings. Random weights had no more epochs than "
        f"the others. {FLIP}"
    )
    _settings(path, table)


def _settings(path: Path, table: pd.DataFrame) -> None:
    """One setting against the plain one: how training went, and its ROC curve."""
    scores = pd.read_csv(path.with_name("experiment_scores.csv"))
    epochs = pd.read_csv(path.with_name("experiment_curves.csv"))
    names = list(dict.fromkeys(table["setting"]))
    chosen = st.selectbox(
        "Compare the plain training with",
        names[1:],
        key="chest_experiment_setting",
        width=320,
        **KEPT,
    )
    shown = (names[0], chosen)
    left, right = views.pair("experiments_setting")
    with left:
        st.markdown("##### Training")
        lines = {
            name: epochs.loc[epochs["setting"] == name, "val_auroc"].tolist() for name in shown
        }
        figure = curves.curve(
            epochs.loc[epochs["setting"] == names[0], "epoch"].tolist(),
            lines,
            x_title="epoch",
            y_title="AUROC, films not trained on",
        )
        figure.update_yaxes(range=[0.5, 1.0])
        said = "; ".join(f"{name} {values[-1]:.2f}" for name, values in lines.items())
        charts.chart(figure, key="chest_experiment_curve", alt=f"AUROC by epoch, last: {said}.")
    with right:
        st.markdown("##### ROC")
        found = {name: _odds(scores, name) for name in shown}
        drawn = {name: roc(scores["positive"], odds) for name, odds in found.items()}
        known = {name: one for name, one in drawn.items() if one is not None}
        bands = {name: roc_band(scores["positive"], odds) for name, odds in found.items()}
        charts.chart(
            roc_plot(known, names[0], {name: one for name, one in bands.items() if one}),
            key="chest_experiment_roc",
            alt="ROC curves with their bands: "
            + "; ".join(f"{name} {one.area.value:.2f}" for name, one in known.items())
            + ".",
        )
        right_ones = "; ".join(
            f"{name} {percent(float(table.loc[table['setting'] == name, 'accuracy'].mean()))}"
            for name in shown
        )
        st.caption(
            f"Bands: 95 % of the curves of films drawn anew. Right at a probability of one half: "
            f"{right_ones}."
        )


def _odds(scores: pd.DataFrame, setting: str) -> pd.Series:
    """Log odds of every film, the mean over the seeds."""
    columns = [name for name in scores.columns if name.startswith(f"{setting}, seed ")]
    return scores[columns].mean(axis=1)


def _heat_maps(path: Path) -> None:
    """Every method's scores on one question."""
    table = pd.read_csv(path)
    st.markdown("#### Heat maps, scored")
    questions = [name for name in QUESTIONS if (table["question"] == name).any()]
    left, right = st.columns([3, 1])
    question = left.selectbox(
        "Question",
        questions,
        format_func=lambda name: QUESTIONS[name][0],
        key="chest_question",
        **KEPT,
    )
    splits = table[table["question"] == question]["split"].unique().tolist()
    usual = [name for name in ("test", "val") if name in splits]
    split = right.selectbox(
        "Films",
        splits,
        index=splits.index([*usual, splits[0]][0]),
        key=f"chest_split_{question}",
    )
    rows = table[(table["question"] == question) & (table["split"] == split)]
    st.write(QUESTIONS[question][1])
    st.caption("Scored on the network’s earlier weights, before it was trained again.")
    _scored(rows, question, split)
    with st.expander("Appendix: the scores as a table"):
        st.dataframe(
            _scores(rows),
            hide_index=True,
            height="content",
            alt=f"{QUESTIONS[question][0]} Scores of each method and layer, {split}.",
        )


def _scored(rows: pd.DataFrame, question: str, split: str) -> None:
    """The scores as a chart, and which methods beat a map that has not seen the film."""
    name = "energy" if rows["energy"].notna().any() else "likeness"
    baseline = rows[rows["layer"].isna()]
    methods = rows[rows["layer"].notna() & rows[name].notna()]
    points = [
        (f"{row['method']}, {row['layer']}", row[name], row[f"{name}_low"], row[f"{name}_high"])
        for _, row in methods.iterrows()
    ]
    levels = {}
    if len(baseline):
        levels = {
            "centre-weighted baseline": float(baseline[name].iloc[0]),
            "flat map": float(baseline["area"].iloc[0]),
        }
    charts.chart(
        study_plots.interval_chart(points, levels, AXES[name]),
        key=f"chest_scores_{question}_{split}",
        alt=f"{AXES[name]}: " + "; ".join(f"{one} {value:.2f}" for one, value, *_ in points) + ".",
    )
    if not levels:
        return
    better = [one for one, _, low, _ in points if low > max(levels.values())]
    count = int(methods["n"].iloc[0])
    if better:
        st.markdown(
            f"**Of {count} films, the interval lies above both maps that have not seen the film** "
            f"for {', '.join(better)}. For the others it does not: they may be decoration."
        )
    else:
        st.markdown(
            f"**On these {count} films no method’s interval lies above the centre-weighted "
            "baseline**, a Gaussian in the centre that has not seen the film."
        )


def _scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores with their intervals in one cell each; columns without a value are left out."""
    shown = rows[["split", "method", "layer", "n"]].copy()
    for name in ("pointing", "energy", "likeness"):
        if rows[name].notna().any():
            shown[f"{name} (95 % interval)"] = [
                f"{value:.2f} ({low:.2f} to {high:.2f})" if pd.notna(value) else ""
                for value, low, high in zip(
                    rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True
                )
            ]
    if rows["area"].notna().any():
        shown["flat map"] = rows["area"].map("{:.2f}".format)
    return shown.fillna("")


def _calibration(path: Path) -> None:
    """Predicted against observed."""
    table = pd.read_csv(path)
    st.markdown("#### Are the probabilities true?", help=GLOSSARY["calibrated"])
    columns = (table[name].tolist() for name in ("found", "true", "n"))
    bins: list[tuple[float, float, int]] = list(zip(*columns, strict=True))
    left, right = views.pair("experiments", [3, 2])
    with left:
        charts.chart(
            study_plots.reliability(bins),
            key="chest_reliability",
            alt="Share of labelled films over the predicted probability: "
            + "; ".join(
                f"predicted {percent(a)}, observed {percent(b)}, {n} answers" for a, b, n in bins
            )
            + ".",
        )
    with right:
        st.write(
            "All pairs of film and finding of the test split, in 15 bins of predicted "
            "probability. On the dashed line, of the films that are given 30 %, 30 % carry the "
            "label. Most answers lie in the first bins: findings are rare."
        )
        for metric in _metrics(classifiers()[0], "Calibration"):
            st.caption(metric.sentence)
        st.dataframe(
            pd.DataFrame(bins, columns=["predicted", "observed", "answers"]).round(3),
            hide_index=True,
            height=300,
            alt="Reliability by bin as a table.",
        )


def _resolution(path: Path) -> None:
    """What 64 px cost against 128 px, for every network with metrics on both."""
    st.markdown("#### What resolution costs")
    st.write(
        "All networks look at 128 × 128 pixels; the films came at 128 px or at 64 px. The two "
        "sizes are other patients, so the fair comparison is the same 128-px films, brought to 64 "
        "px first: what they lose, resolution costs."
    )
    cards = sorted(task_cards("chest"), key=lambda card: card.name != "findings")
    found = [
        (card, metric)
        for card in cards
        for metric in card.metrics
        if "AUROC" in metric.name and metric.split == "test"
    ]
    by_size = [pair for pair in found if pair[1].name.startswith("Mean AUROC")]
    _table(by_size, "Mean AUROC of every network by film size, with 95 % intervals.")
    st.markdown("#### The heart’s networks against the ruler")
    st.write(
        "Reports call hearts enlarged for reasons of their own; here the truth is a measured "
        "ratio above 0.5, by source: JSRT and hospital films differ."
    )
    by_ratio = [pair for pair in found if pair[1].name.endswith(RATIO)]
    _table(by_ratio, "AUROC against the measured ratio by source, with 95 % intervals.")
    st.markdown("#### Another network: DenseNet121")
    st.write(
        "The published project used DenseNet121 from ImageNet. No ImageNet weights of it could be "
        "had here, and from random weights four short epochs on a processor left it clearly below "
        "the MobileNetV2 (mean AUROC on 128-px test films 0.68 against 0.77). It is undertrained, "
        "so it is no choice on this page, and says nothing of what that network can do."
    )
    rest = [pair for pair in found if pair not in by_size and pair not in by_ratio]
    with st.expander("Appendix: every finding, every network"):
        _table(rest, "AUROC of every finding and network, with 95 % intervals.")
        st.caption(
            "Cardiomegaly is given within one size only: on these films the size alone tells it."
        )
        st.dataframe(
            pd.read_csv(path.with_name("architectures.csv")),
            hide_index=True,
            height=430,
            alt="MobileNetV2 and DenseNet121, finding by finding, with 95 % intervals.",
        )


def _table(found: list[tuple[ModelCard, Metric]], alt: str) -> None:
    """Metrics of several cards as a table."""
    rows = [
        {
            "network": card.title,
            "metric": metric.name,
            "value": f"{metric.value:.3f}",
            "95 % interval": f"{metric.low:.3f} to {metric.high:.3f}",
            "data": f"{metric.data_set}, {metric.split}",
            "n": metric.n,
            "note": metric.note,
        }
        for card, metric in found
    ]
    many = len(rows) > 12
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=430 if many else "content", alt=alt)


def _metrics(card: ModelCard, name: str) -> list[Metric]:
    """The card's metrics on test whose name begins so."""
    return [
        metric for metric in card.metrics if metric.name.startswith(name) and metric.split == "test"
    ]

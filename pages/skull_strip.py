"""Skull stripping: from a raw T1 head to the brain alone, every stage in view."""

from pages.shared import frame, send_to_lab, views
from pages.tasks.skull_strip import experiments, loaders, many_films, sidebar, steps
from pages.tasks.skull_strip import views as volume_views

PAGE = "skull_strip"
MODES = ("One head", "Many heads")
MORE = ("Steps", "Explain", "Model card", "Download")

frame.require()
mode = views.headline(
    "Skull stripping",
    "From a raw T1 head to the brain alone: bias field, resampling, normalisation and a 3D "
    "network, each stage in view.\n\n"
    "Three common MR contrasts. **T1**: fluid is dark, white matter brighter than grey. "
    "**T2**: fluid is bright. **FLAIR**: like T2, but with the fluid of the ventricles made dark, "
    "so that lesions stand out. This model knows T1 without contrast agent only.",
    MODES,
    f"{PAGE}_mode",
)
if mode == "Many heads":
    scans = many_films.files()
    card = sidebar.model(PAGE)
    case = views.show_error(lambda: many_films.batch(card, scans))
else:
    case = sidebar.head(PAGE, PAGE)
    card = sidebar.model(PAGE)

if case is not None:
    settings = sidebar.settings(PAGE, case.volume, card)
    run = loaders.skull_strip(PAGE, case.volume, settings, card)
    volume_views.verdict(case, run, settings.threshold)
    volume_views.viewer(PAGE, case, run, settings.threshold)
    views.end_of_presentation()
    volume_views.known_of(case)
    if run.state != "done":
        volume_views.no_result(PAGE, run)
    else:
        volume_views.answer(case, run, settings.threshold, card)
        send_to_lab.send(PAGE, volume_views.with_mask(case, run, settings.threshold))
        more = views.segments("More about this head", MORE, f"{PAGE}_more")
        if more == "Steps":
            steps.steps(PAGE, case, run, settings.threshold)
        elif more == "Explain":
            steps.explain(PAGE, case, run, settings.threshold)
        elif more == "Model card":
            views.model_card(card)
            experiments.appendix()
        else:
            volume_views.download(PAGE, case, run, settings, card)

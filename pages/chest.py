"""Chest films: findings against their thresholds, heart size by ruler, heat maps with scores."""

from pages.shared import frame, inputs, many_films, send_to_lab, views
from pages.tasks.chest import (
    download,
    experiments,
    explain,
    heart_size,
    input_check,
    loaders,
    reading,
    robustness,
    sidebar,
)
from pages.tasks.chest import many_films as chest_films
from pages.tasks.chest import views as chest_views

MORE = ("Findings", "Steps", "Explain", "Robustness", "Heart size", "Model card", "Download")
MODES = ("One radiograph", "Many radiographs", "Experiments")

frame.require()
mode = views.headline(
    "Chest findings",
    "Fourteen findings against their thresholds, the heart measured with a ruler that you can "
    "move, and heat maps that were scored, not just shown.",
    MODES,
    "chest_mode",
)

came = None
if mode == "Many radiographs":
    films, choices = chest_films.files()
    settings = sidebar.settings(many=not many_films.is_open("chest"))
    came = views.show_error(lambda: chest_films.batch(settings, films, choices))
elif mode == "Experiments":
    experiments.show()
else:
    came = inputs.radiograph("chest", "chest", sidebar.phantom)
    came = None if came is None else sidebar.viewed(came)
    settings = sidebar.settings()

if came is not None:
    found = None
    case = views.show_error(input_check.passed, came)
    if case is not None:
        was_read = chest_views.was_read(case, settings)
        viewer = views.place(was_read, chest_views.waiting, case, settings)
        found = views.show_error(reading.read, case, settings)
    if found is not None:
        with viewer:
            chest_views.verdict(found)
            if heart_size.is_open():
                heart_size.lines(found, settings)
            else:
                chest_views.viewer(found, settings)
        views.end_of_presentation()
        chest_views.known(found)
        chest_views.strip(found, settings)
        chest_views.flagged(found)
        send_to_lab.send("chest", found.case)
        more = views.segments("More about this film", MORE, "chest_more")
        if more == "Findings":
            chest_views.findings(found)
        elif more == "Steps":
            views.step_gallery(loaders.steps(settings.classifier, found.image))
        elif more == "Explain":
            explain.show(found, settings)
        elif more == "Robustness":
            robustness.show(found, settings)
        elif more == "Heart size":
            heart_size.answer(found)
        elif more == "Model card":
            views.model_card(sidebar.one_card(settings))
            chest_views.thresholds(found)
        else:
            download.show(found, settings)

"""Datasets: what is in a folder of images with labels, and what is wrong with it."""

from pages.shared import frame, views
from pages.tasks.datasets import browser, folder, overview, problems

PAGE = "datasets"
MODES = ("Images", "Co-occurrence", "Problems")

frame.require()
mode = views.headline(
    "Datasets",
    "Point to a folder of images with labels on this computer: see what is in it, filter it by "
    "any bar, and find what is wrong with it. Nothing in the folder is changed.",
    MODES,
    f"{PAGE}_mode",
)
path = folder.choose()
opened = views.show_error(lambda: folder.opened(path)) if path else None
if opened is not None:
    overview.verdict(opened)
    if mode == "Problems":
        problems.show(opened)
    elif mode == "Co-occurrence":
        overview.together(opened)
    else:
        plots, images = views.pair("datasets", [2, 3])
        with images:  # first: who pressed a bar looks at the pictures
            browser.show(opened)
        with plots:
            overview.plots(opened)

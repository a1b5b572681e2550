"""Your models: bring a network of your own, try it on a phantom, keep it beside ours."""

from pages.shared import frame, views
from pages.tasks.your_models import add, listing

MODES = ("Add a model", "Kept models")

frame.require()
mode = views.headline(
    "Your models",
    "Bring a network that you trained or found. It is converted once, described by a card, and "
    "then answers wherever ours do: on its task’s page, with many films, in the lab, in Practice.",
    MODES,
    "your_models_mode",
)
if mode == MODES[0]:
    views.show_error(add.show)
else:
    views.show_error(listing.show)

"""Guide: how to show Lightbox, how to learn with it, and how to run it for others."""

from pages.shared import frame, views
from pages.tasks.guide import text

READERS = {
    "For interns": "interns",
    "For students": "students",
    "For a department": "department",
}

frame.require()
who = views.headline(
    "Guide",
    "Short ways in: for the conference, for the course, and for whoever runs it for others.",
    tuple(READERS),
    "guide_mode",
)
text.show(READERS[who])

"""Evaluation: how good each model is, case by case, and where it is wrong."""

from pages.shared import frame, views
from pages.tasks.evaluation import bone_age, chest, fracture, shared, skull_strip

PAGE = "evaluation"
TASKS = {
    "Fracture": fracture,
    "Bone age": bone_age,
    "Chest": chest,
    "Skull stripping": skull_strip,
}

frame.require()
name = views.headline(
    "Evaluation",
    "What the shipped models said of every film and head kept for choosing (val) and for the last "
    "check (test). Every figure is computed here, from the answers case by case.",
    tuple(TASKS),
    f"{PAGE}_mode",
)
task = TASKS[name]
split = shared.split_of()
shared.folder_of(task.TASK)
predictions = views.show_error(lambda: shared.predictions(task.TASK, split))
if predictions is not None:
    task.show(predictions, split)
    shared.more(task.TASK, predictions, split)

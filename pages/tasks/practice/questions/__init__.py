"""What each task asks of a reader, and how its answer is shown after the reveal.

Every module has `ask`, `reveal`, `in_words` and `truth_in_words`.
"""

from pages.tasks.practice.questions import bone_age, chest, fracture, skull_strip

OF_TASK = {
    "fracture": fracture,
    "bone_age": bone_age,
    "chest": chest,
    "skull_strip": skull_strip,
}

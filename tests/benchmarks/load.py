"""A class on one server: what twenty sessions at once wait for, get as answers and leave in memory.

Run on an otherwise idle machine: python -m tests.benchmarks.load [--sessions 20 --minutes 5]
For a try: python -m tests.benchmarks.load --sessions 3 --minutes 0.33 --uploads 12 --browsers 0

1. One visitor does every lesson twice, without pauses: the second time gives the answers and times
   that the class is held against.
2. The class: each session does lessons in an order of its own, with pauses as people make them,
   closes its window after each and comes back. Most speak the browser's protocol
   (`tests.visitor`), some are browsers.
3. Memory: different films uploaded by as many sessions, all open; then after they have closed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from core.images import FloatArray
from core.phantoms.chest.phantom import chest_phantom
from core.phantoms.hand.phantom import hand_phantom
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from tests.benchmarks.waiting import memory_gb
from tests.browser.conftest import BROWSERS, FLAGS
from tests.visitor import Server, Visitor, served

FIGURES_BAR, SLIDER_BAR, MEMORY_BAR_MB = 4.0, 3.0, 300.0
MOST_SECONDS = 240.0  # for one answer: after it the session gives up, which counts as an error
MOST_BESIDE_SECONDS = 2400  # for all but the class; then it ends
AWAY_SECONDS = 30  # until a closed session is ended; 120 where nothing else is said
PAUSE_SECONDS = 6.0  # between two actions of a person, on average


@cache
def base(task: str) -> FloatArray:
    """A film that the task reads."""
    if task == "fracture":
        return limb_phantom(LimbPhantom(seed=77))[0].pixels
    return (hand_phantom(77) if task == "bone_age" else chest_phantom(77)).image.pixels


def film(task: str, number: int) -> tuple[str, bytes]:
    """One of as many different films as are wanted, with its name."""
    pixels = base(task)
    noise = np.random.default_rng(number).normal(0, 0.01, pixels.shape)
    out = BytesIO()
    grey = np.clip((pixels + noise) * 255, 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(out, "PNG", compress_level=1)
    return f"{task}_{number}.png", out.getvalue()


@dataclass
class Notes:
    """What one pass over the lessons took and answered.

    Attributes:
        figures: Seconds to a page's first figures, by page.
        sliders: Seconds of a slider, by its key.
        answers: By what was asked.
        problems: Sentences.
    """

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sliders: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    heavy: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, name: str, value: object) -> None:
        with self.lock:
            getattr(self, kind)[name].append(value)


@dataclass
class Sitting:
    """One visitor at a lesson."""

    server: Server
    notes: Notes
    pause: Callable[[], None]

    def open(self, page: str) -> Visitor:
        """Open a page in a new window and wait for its first figures."""
        start = time.perf_counter()
        visitor = Visitor(self.server.port, page)
        visitor.default_timeout = MOST_SECONDS
        self.wait(visitor, lambda: bool(visitor.metric))
        self.notes.add("figures", page, time.perf_counter() - start)
        self.answer(page, visitor)
        self.pause()
        return visitor

    def slide(self, visitor: Visitor, key: str, value: float) -> None:
        slider = next(one for one in visitor.slider if str(one.key).startswith(key))
        whole = isinstance(slider.proto.min, int) or slider.proto.format.startswith("%d")
        slider.set_value(int(value) if whole else value).run()
        self.notes.add("sliders", key, visitor.seconds)
        self.answer(f"{key} {value:g}", visitor)
        self.pause()

    def answer(self, asked: str, visitor: Visitor) -> None:
        if visitor.error:
            raise RuntimeError(f"{asked}: {visitor.error[0].value}")
        self.notes.add("answers", asked, sorted(visitor.metrics.items()))

    def wait(self, visitor: Visitor, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + MOST_SECONDS
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError("no answer in time")
            time.sleep(0.5)  # as the page's own progress bar asks
            visitor.look()

    def timed(self, name: str, work: Callable[[], None]) -> None:
        start = time.perf_counter()
        work()
        self.notes.add("heavy", name, time.perf_counter() - start)


# Lessons: each leaves the same answers for the same number


def threshold(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("fracture")
    for value in (0.1, 0.4, 0.7, 0.55):
        sitting.slide(visitor, "fracture_threshold", value)
    for value in (30, 60):
        sitting.slide(visitor, "fracture_level", value)
    visitor.close()


def heat(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("chest")
    for value in (20, 50, 80):
        sitting.slide(visitor, "chest_threshold", value)
    visitor.close()


def head(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("skull_strip")
    for value in (0.3, 0.7):
        sitting.slide(visitor, "skull_strip_threshold", value)

    def another() -> None:
        seed = next(one for one in visitor.slider if one.key == "skull_strip_seed")
        seed.set_value(2 + number).run()
        sitting.wait(visitor, lambda: bool(visitor.metric))

    sitting.timed("head", another)
    sitting.answer(f"head {number}", visitor)
    visitor.close()


def upload(task: str) -> Callable[[Sitting, int], None]:
    def lesson(sitting: Sitting, number: int) -> None:
        visitor = sitting.open(task)
        visitor.choose(f"{task}_source", "Upload")
        sitting.pause()

        def sent() -> None:
            visitor.send_files("Radiographs", film(task, number))
            sitting.wait(visitor, lambda: bool(visitor.metric))

        sitting.timed(f"upload, {task}", sent)
        sitting.answer(f"upload {task} {number}", visitor)
        for value in (35, 65):
            sitting.slide(visitor, f"{task}_level", value)
        if task == "chest":
            visitor.choose("chest_more", "Explain")

            def asked() -> None:
                visitor.choose("chest_methods", "Score-CAM")

            sitting.timed("Score-CAM", asked)
            sitting.answer(f"Score-CAM {number}", visitor)
        visitor.close()

    return lesson


def batch(sitting: Sitting, number: int) -> None:
    visitor = sitting.open("fracture")
    visitor.choose("fracture_mode", "Many radiographs")
    label = next(one.label for one in visitor.get("file_uploader") if "atch" in str(one.key))  # type: ignore[attr-defined]
    films = [film("fracture", number + n) for n in range(6)]

    def sent() -> None:
        visitor.send_files(label, *films)

    sitting.timed("batch of six", sent)
    sitting.answer(f"batch {number}", visitor)
    visitor.close()


def sweep(sitting: Sitting, number: int) -> None:
    visitor = Visitor(sitting.server.port, "augmentation")
    sitting.answer("augmentation", visitor)
    sitting.pause()
    visitor.choose("augmentation_more", "Sweep")

    def run() -> None:
        next(one for one in visitor.button if one.key == "augmentation_run").click().run()
        sitting.wait(visitor, lambda: all(one.key != "augmentation_stop" for one in visitor.button))

    sitting.timed("lab sweep", run)
    sitting.answer("sweep", visitor)
    visitor.close()


def tour(sitting: Sitting, number: int) -> None:
    visitor = Visitor(sitting.server.port)
    for page in ("practice", "datasets", "evaluation", "bone_age"):
        sitting.pause()
        visitor.go(page)
        sitting.answer(f"tour {page}", visitor)
    visitor.close()


LESSONS: dict[str, Callable[[Sitting, int], None]] = {
    "threshold": threshold,
    "heat": heat,
    "head": head,
    "fracture": upload("fracture"),
    "bone age": upload("bone_age"),
    "chest": upload("chest"),
    "batch": batch,
    "sweep": sweep,
    "tour": tour,
}


def held(server: Server) -> float:
    """Megabytes of the server itself, shared pages by their share.

    Without the processes that explain with gradients: they end when nobody has asked for a while.
    """
    pid = f"{server.process.pid} "
    return 1000 * sum(
        size for name, size in memory_gb(server.process.pid).items() if name.startswith(pid)
    )


def alone(server: Server, numbers: int) -> Notes:
    """One visitor, twice; the second time counts."""
    for turn in ("first", "second"):
        notes = Notes()
        for name, lesson in LESSONS.items():
            start = time.monotonic()
            for number in range(numbers if name != "sweep" else 1):
                try:
                    lesson(Sitting(server, notes, lambda: None), number)
                except Exception as err:  # noqa: BLE001 (whatever went wrong is the finding)
                    notes.problems.append(f"alone, {name} {number}: {_short(err)}")
                    print(notes.problems[-1], flush=True)
            print(f"alone, {turn} time, {name}: {time.monotonic() - start:.1f} s", flush=True)
    return notes


def in_class(server: Server, sessions: int, seconds: float, numbers: int, browsers: int) -> Notes:
    """All at once until the time is over; a lesson that has begun is finished."""
    notes, end = Notes(), time.monotonic() + seconds

    def attend(place: int) -> None:
        rng = random.Random(place)

        def pause() -> None:
            time.sleep(min(rng.expovariate(1 / PAUSE_SECONDS), 4 * PAUSE_SECONDS))

        time.sleep(rng.random() * min(10.0, seconds / 4))
        while time.monotonic() < end:
            name, number = rng.choice(sorted(LESSONS)), rng.randrange(numbers)
            try:
                LESSONS[name](Sitting(server, notes, pause), 0 if name == "sweep" else number)
            except Exception as err:  # noqa: BLE001
                with notes.lock:
                    notes.problems.append(f"session {place}, {name} {number}: {_short(err)}")

    threads = [
        threading.Thread(target=attend, args=(place,), daemon=True)
        for place in range(max(1, sessions - browsers))
    ]
    if browsers:
        browse = threading.Thread(
            target=in_browsers, args=(server, browsers, end, notes), daemon=True
        )
        threads.append(browse)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(1.0, end - time.monotonic()) + 5 * MOST_SECONDS)
        if thread.is_alive():
            notes.problems.append("a session did not come to its end")
    return notes


def in_browsers(server: Server, count: int, end: float, notes: Notes) -> None:
    """Browsers that open pages one after the other and move a slider of each."""
    from playwright.sync_api import Error, sync_playwright

    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    sliders = {"fracture": "Confidence threshold", "chest": "Heart size", "bone_age": "Level"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        windows = [browser.new_context().new_page() for _ in range(count)]
        turn = 0
        while time.monotonic() < end:
            page = list(sliders)[turn % len(sliders)]
            window = windows[turn % count]
            turn += 1
            try:
                window.goto(f"http://127.0.0.1:{server.port}/{page}")
                window.locator('[data-testid="stMetricValue"]').first.wait_for(
                    timeout=MOST_SECONDS * 1000
                )
                slider = window.get_by_role("slider", name=sliders[page]).first
                if slider.count():
                    slider.press("ArrowRight", timeout=30_000)
                window.wait_for_timeout(PAUSE_SECONDS * 1000)
                if window.locator('[data-testid="stException"]').count():
                    raise RuntimeError("an exception on the page")
            except (Error, RuntimeError) as err:
                with notes.lock:
                    notes.problems.append(f"browser, {page}: {_short(err)}")
        notes.add("heavy", "pages opened by browsers", float(turn))
        browser.close()


def uploaded(server: Server, sessions: int, uploads: int, notes: Notes) -> list[Visitor]:
    """Different films, over as many open sessions."""
    visitors = []
    tasks = ("fracture", "bone_age", "chest")
    for place in range(sessions):
        visitor, task = Visitor(server.port, tasks[place % 3]), tasks[place % 3]
        visitor.choose(f"{task}_source", "Upload")
        visitors.append(visitor)
    for number in range(uploads):
        place = number % sessions
        try:
            visitors[place].send_files("Radiographs", film(tasks[place % 3], 1000 + number))
        except Exception as err:  # noqa: BLE001
            notes.problems.append(f"upload {number}: {_short(err)}")
    return visitors


def _short(err: BaseException) -> str:
    return f"{type(err).__name__}: {str(err)[:200]}"


def told(what: str, value: float, unit: str, bar: float | None = None) -> bool:
    """Print a figure; whether it is above its bar."""
    over = bar is not None and value > bar
    said = "" if bar is None else f"(bar {bar:g}) {'OVER' if over else ''}"
    print(f"{what:<58} {value:8.2f} {unit:<3} {said}", flush=True)
    return over


def compared(single: Notes, many: Notes) -> int:
    """Print times against those of one visitor; how many answers are not the same."""
    for page, seconds in sorted(many.figures.items()):
        median = statistics.median(single.figures[page])
        ratio = float(np.percentile(seconds, 95)) / median
        told(f"first figures, {page}, alone (median, s)", median, "s")
        told(f"first figures, {page}, p95 of {len(seconds)}", ratio, "×", FIGURES_BAR)
    every = [(key, one) for key, some in many.sliders.items() for one in some]
    ratios = [one / statistics.median(single.sliders[key]) for key, one in every]
    for key in sorted(single.sliders):
        told(f"slider, {key}, alone (median, s)", statistics.median(single.sliders[key]), "s")
    if ratios:
        told(f"sliders, p95 of {len(ratios)}", float(np.percentile(ratios, 95)), "×", SLIDER_BAR)
        told("sliders, median", statistics.median(ratios), "×")
    for name, seconds in sorted(many.heavy.items()):
        told(f"{name}, median of {len(seconds)}", statistics.median(seconds), "s")
        if name in single.heavy:
            told(f"{name}, alone", statistics.median(single.heavy[name]), "s")
    other = 0
    for asked, answers in many.answers.items():
        expected = single.answers.get(asked, [None])[0]
        for answer in answers:
            if answer != expected:
                other += 1
                if other <= 10:
                    print(f"another answer to “{asked}”: {answer}, alone {expected}")
    return other


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--uploads", type=int, default=200)
    options.add_argument("--browsers", type=int, default=2)
    options.add_argument("--lessons", default=",".join(LESSONS))
    given = options.parse_args()
    for name in [name for name in LESSONS if name not in given.lessons.split(",")]:
        del LESSONS[name]
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(int(60 * given.minutes) + MOST_BESIDE_SECONDS)
    numbers = 3 if given.minutes >= 2 else 1
    ttl = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(AWAY_SECONDS)}
    with served(**ttl) as server:
        start = time.monotonic()
        single = alone(server, numbers)
        warm = held(server)
        print(f"one visitor: {time.monotonic() - start:.0f} s, {len(single.problems)} errors")
        many = in_class(server, given.sessions, given.minutes * 60, numbers, given.browsers)
        print(
            f"class: {given.sessions} sessions ({given.browsers} browsers), {given.minutes:g} min"
        )
        other = compared(single, many)
        answers = sum(map(len, many.answers.values()))
        told(f"answers other than alone, of {answers}", other, "", 0)
        told("memory, warm, one visitor", warm, "MB")
        told("memory, after the class", held(server), "MB")
        _ended()
        rested = held(server)
        told("memory, when the class's sessions have ended, over warm", rested - warm, "MB", 300)
        visitors = uploaded(server, given.sessions, given.uploads, many)
        over = held(server) - warm
        told(f"memory, {given.uploads} uploads later, over warm", over, "MB", MEMORY_BAR_MB)
        for visitor in visitors:
            visitor.close()
        _ended()
        told("memory, when those have ended, over warm", held(server) - warm, "MB", MEMORY_BAR_MB)
        logged = server.log.read_text(errors="replace").count("Traceback")
        told("tracebacks in the server's log", logged, "", 0)
    problems = single.problems + many.problems
    told("errors", len(problems), "", 0)
    for problem in problems[:20]:
        print(f"  {problem}")
    return 1 if problems or other or logged else 0


def _too_long(*given: object) -> None:
    print("ended: it took too long; what is above stands", flush=True)
    sys.exit(2)


def _ended() -> None:
    """Wait until closed sessions have ended."""
    time.sleep(AWAY_SECONDS + 25)


if __name__ == "__main__":
    sys.exit(main())

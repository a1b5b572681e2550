"""A class on one server: what twenty sessions at once wait for, get as answers and leave in memory.

Run on an otherwise idle machine: python -m tests.benchmarks.load [--sessions 20 --minutes 5]
For a try: python -m tests.benchmarks.load --sessions 3 --minutes 0.5 --uploads 12 --browsers 1

1. One visitor does every lesson, then again without pauses: the second time gives the answers and
   times that the class is held against. The server is warm then: each kind of work ran at least
   once, a head and a sweep among them, and that visitor's windows have just closed.
2. The class: each session does lessons in an order of its own, with pauses as people make them,
   closes its window after each and comes back. Most speak the browser's protocol
   (`tests.visitor`), some are browsers. What is under way at its end does not count.
3. Memory: different films uploaded by as many sessions, all open; then after they have closed.

It ends by itself after `--most` minutes, the class being cut so that the rest fits; what was
printed until then stands.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import sys
import threading
import time

import numpy as np

from pages.shared.server import LOOK_SECONDS, SWITCH_SECONDS
from tests.benchmarks.lessons import LESSONS, MOST_SECONDS, Notes, Sitting, film
from tests.benchmarks.waiting import memory_gb
from tests.browser.conftest import BROWSERS, FLAGS
from tests.visitor import Server, Visitor, served

FIGURES_BAR, SLIDER_BAR, MEMORY_BAR_MB = 4.0, 3.0, 300.0
AWAY_SECONDS = 10  # until a closed session is ended; 120 where nothing else is said
PAUSE_SECONDS = 6.0  # between two actions of a person, on average
ONCE = ("sweep", "batch")  # nothing of these is faster the second time
REST_SECONDS = 110.0  # what memory takes after the class
STARTED = time.perf_counter()


def held(server: Server) -> float:
    """Megabytes of the server itself, shared pages by their share.

    Without the processes that explain with gradients: they end when nobody has asked for a while.
    """
    pid = f"{server.process.pid} "
    return 1000 * sum(
        size for name, size in memory_gb(server.process.pid).items() if name.startswith(pid)
    )


def alone(server: Server) -> Notes:
    """One visitor, twice; the second time counts."""
    for turn in ("first", "second"):
        notes = Notes()
        for name, lesson in LESSONS.items():
            if turn == "first" and name in ONCE:
                continue
            start = time.perf_counter()
            try:
                Sitting(server, notes).attend(lesson, 0)
            except Exception as err:  # noqa: BLE001 (whatever went wrong is the finding)
                notes.problems.append(f"alone, {name}: {_short(err)}")
                say(notes.problems[-1])
            say(f"alone, {turn} time, {name}: {time.perf_counter() - start:.1f} s")
    return notes


def in_class(server: Server, sessions: int, seconds: float, browsers: int) -> Notes:
    """All at once until the time is over."""
    notes, end = Notes(), time.perf_counter() + seconds

    def attend(place: int) -> None:
        rng = random.Random(place)

        def pause() -> None:
            wanted = min(rng.expovariate(1 / PAUSE_SECONDS), 4 * PAUSE_SECONDS)
            time.sleep(max(0.0, min(wanted, end - time.perf_counter())))

        time.sleep(rng.random() * min(10.0, seconds / 4))
        while time.perf_counter() < end:
            name = rng.choice(sorted(LESSONS))
            try:
                Sitting(server, notes, pause, end).attend(LESSONS[name], 0)
            except Exception as err:  # noqa: BLE001
                with notes.lock:
                    notes.problems.append(f"session {place}, {name}: {_short(err)}")

    work = [(attend, (place,)) for place in range(max(1, sessions - browsers))]
    if browsers:
        work.append((in_browsers, (server, browsers, end, notes)))  # type: ignore[arg-type]
    threads = [threading.Thread(target=one, args=args, daemon=True) for one, args in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.perf_counter()) + 30)
    if any(thread.is_alive() for thread in threads):
        notes.problems.append("a session did not come to its end")
    return notes


def in_browsers(server: Server, count: int, end: float, notes: Notes) -> None:
    """Browsers that open pages one after the other and move a slider of each."""
    from playwright.sync_api import Error, sync_playwright

    # Readers' browsers run on computers of their own: here they must not take the server's cores.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    sliders = {"fracture": "Confidence threshold", "chest": "Heat shown from", "bone_age": "Tilt"}
    opened = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        windows = [browser.new_context().new_page() for _ in range(count)]
        while (left := end - time.perf_counter()) > 0:
            page = list(sliders)[opened % len(sliders)]
            window = windows[opened % count]
            window.set_default_timeout(1000 * min(MOST_SECONDS, left))
            try:
                window.goto(f"http://127.0.0.1:{server.port}/{page}")
                window.locator('[data-testid="stMetricValue"]').first.wait_for()
                window.get_by_role("slider", name=sliders[page]).first.press("ArrowRight")
                window.wait_for_timeout(PAUSE_SECONDS * 1000)
                if window.locator('[data-testid="stException"]').count():
                    raise RuntimeError("an exception on the page")
            except (Error, RuntimeError) as err:
                if time.perf_counter() < end:
                    with notes.lock:
                        notes.problems.append(f"browser, {page}: {_short(err)}")
            else:
                opened += 1
        notes.add("heavy", "pages opened by browsers", float(opened))
        browser.close()


def uploaded(server: Server, sessions: int, uploads: int, notes: Notes) -> list[Visitor]:
    """Different films, over as many open sessions, each session's one after the other."""
    visitors, lock = [], threading.Lock()
    tasks = ("fracture", "bone_age", "chest")

    def bring(place: int) -> None:
        task = tasks[place % 3]
        try:
            visitor = Visitor(server.port, task)
            with lock:
                visitors.append(visitor)
            visitor.choose(f"{task}_source", "Upload")
            for number in range(place, uploads, sessions):
                visitor.send_files("Radiographs", film(task, 1000 + number))
        except Exception as err:  # noqa: BLE001
            with notes.lock:
                notes.problems.append(f"uploads of session {place}: {_short(err)}")

    threads = [
        threading.Thread(target=bring, args=(place,), daemon=True) for place in range(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(MOST_SECONDS)
    return visitors


def _short(err: BaseException) -> str:
    return f"{type(err).__name__}: {str(err)[:200]}"


def say(what: str) -> None:
    """Print with the minute of the run."""
    print(f"[{(time.perf_counter() - STARTED) / 60:4.1f}] {what}", flush=True)


OVER: list[str] = []


def told(what: str, value: float, unit: str, bar: float | None = None) -> None:
    """Print a row of the table."""
    held_to = "" if bar is None else f"bar {bar:g}{unit}"
    mark = "" if bar is None else ("OVER" if value > bar else "held")
    if mark == "OVER":
        OVER.append(what)
    print(f"  {what:<56} {value:8.2f} {unit:<2}  {held_to:<10} {mark}", flush=True)


def compared(single: Notes, many: Notes) -> None:
    """Print times and answers against those of one visitor."""
    for page, seconds in sorted(many.figures.items()):
        if page not in single.figures:
            continue
        median = statistics.median(single.figures[page])
        told(f"first figures, {page}, alone (median)", median, "s")
        ratio = float(np.percentile(seconds, 95)) / median
        told(f"first figures, {page}, p95 of {len(seconds)}", ratio, "×", FIGURES_BAR)
    usual = {key: statistics.median(some) for key, some in single.sliders.items()}
    for key, median in sorted(usual.items()):
        told(f"slider, {key}, alone (median)", median, "s")
        some = [one / median for one in many.sliders.get(key, ())]
        if some:
            told(f"slider, {key}, p95 of {len(some)}", float(np.percentile(some, 95)), "×")
    ratios = [
        one / usual[key] for key, some in many.sliders.items() if key in usual for one in some
    ]
    if ratios:
        told("sliders, median", statistics.median(ratios), "×")
        told(f"sliders, p95 of {len(ratios)}", float(np.percentile(ratios, 95)), "×", SLIDER_BAR)
    for name, seconds in sorted(many.heavy.items()):
        told(f"{name}, median of {len(seconds)}", statistics.median(seconds), "s")
        if name in single.heavy:
            told(f"{name}, alone", statistics.median(single.heavy[name]), "s")
    asked = [(key, one) for key, some in many.answers.items() for one in some]
    other = [(key, one) for key, one in asked if single.answers.get(key, [one])[0] != one]
    for key, one in other[:10]:
        print(f"  another answer to “{key}”: {one}, alone {single.answers[key][0]}")
    told(f"answers other than alone, of {len(asked)}", len(other), "", 0)


def memory(server: Server, given: argparse.Namespace, warm: float, notes: Notes) -> None:
    """Print what sessions leave, and what uploads hold."""
    told("memory, warm, one visitor", warm, "MB")
    told("memory, at the end of the class", held(server), "MB")
    _ended()
    rested = held(server)
    told("memory, the class's sessions ended, over warm", rested - warm, "MB", MEMORY_BAR_MB)
    visitors = uploaded(server, given.sessions, given.uploads, notes)
    time.sleep(LOOK_SECONDS + 2)
    said = f"memory, {given.uploads} uploads in {given.sessions} sessions, over warm"
    full = held(server)
    told(said, full - warm, "MB", MEMORY_BAR_MB)
    told("memory, one reader with uploads", (full - rested) / max(1, given.sessions), "MB")
    for visitor in visitors:
        visitor.close()
    _ended()
    told("memory, when those have ended, over warm", held(server) - warm, "MB", MEMORY_BAR_MB)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--minutes", type=float, default=5.0, help="of the class")
    options.add_argument("--most", type=float, default=8.0, help="minutes for everything")
    options.add_argument("--uploads", type=int, default=200)
    options.add_argument("--browsers", type=int, default=2, help="of the sessions")
    options.add_argument("--lessons", default=",".join(LESSONS))
    given = options.parse_args()
    for name in [name for name in LESSONS if name not in given.lessons.split(",")]:
        del LESSONS[name]
    sys.setswitchinterval(SWITCH_SECONDS)  # else the visitors here wait for each other
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(int(60 * given.most))
    ttl = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(AWAY_SECONDS)}
    with served(**ttl) as server:
        say("the server runs")
        single = alone(server)
        warm = held(server)
        left = 60 * given.most - (time.perf_counter() - STARTED) - REST_SECONDS
        seconds = max(20.0, min(60 * given.minutes, left))
        say(f"class of {given.sessions} ({given.browsers} browsers) for {seconds:.0f} s")
        many = in_class(server, given.sessions, seconds, given.browsers)
        say("the class is over")
        compared(single, many)
        memory(server, given, warm, many)
        logged = server.log.read_text(errors="replace").count("Traceback")
        told("tracebacks in the server's log", logged, "", 0)
        problems = single.problems + many.problems
        told("errors", len(problems), "", 0)
        for problem in problems[:20]:
            print(f"    {problem}")
        say(f"bars not held: {', '.join(OVER) or 'none'}")
    return 1 if OVER else 0


def _too_long(*given: object) -> None:
    say("ended: it took too long; what is above stands")
    sys.exit(2)


def _ended() -> None:
    """Wait until closed sessions have ended and what they left is collected."""
    time.sleep(AWAY_SECONDS + 2 * LOOK_SECONDS + 3)


if __name__ == "__main__":
    sys.exit(main())

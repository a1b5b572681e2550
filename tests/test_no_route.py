"""The app in a network namespace without a route: the kernel counts whatever would leave.

Seen from outside the process, so also what a library does in C, or a process that it starts. Each
look-up of a name and each connection to another machine fails there, and is counted as one for
which there is no route.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app import PAGES
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from tests.page_runner import ROOT

ELSEWHERE = "192.0.2.1"  # of no machine: https://www.rfc-editor.org/rfc/rfc5737
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
MOST_SECONDS = 180.0
NAMESPACE = ("unshare", "--map-root-user", "--net")


def raise_loopback() -> None:
    """A new namespace has its loopback device down."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP, b""))


def without_route(tables: Path = Path("/proc/net")) -> int:
    """How often something in this namespace asked for another machine.

    A name server on loopback is asked by a datagram to a port where nobody listens.
    """
    counts = dict(line.split() for line in (tables / "snmp6").read_text().splitlines())
    lines = [line.split() for line in (tables / "snmp").read_text().splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        counts |= {f"{names[0]}{name}": one for name, one in zip(names, values, strict=True)}
    asked = ("Ip:OutNoRoutes", "Ip6OutNoRoutes", "Udp:NoPorts", "Udp6NoPorts")
    return sum(int(counts[name]) for name in asked)


def main() -> None:
    """In the namespace: every page, an upload and a heat map; then a connection as a check."""
    from tests.files.radiograph_files import raster
    from tests.visitor import Visitor, served

    raise_loopback()
    counts = {"before": without_route()}
    film, _ = limb_phantom(LimbPhantom(seed=5, fracture="oblique", shape=(320, 256), hung=True))
    shown = {}
    with served() as server:
        for page in PAGES:
            visitor = Visitor(server.port, page)
            end = time.monotonic() + MOST_SECONDS
            while visitor.fragment and not visitor.metric and time.monotonic() < end:
                time.sleep(0.3)
                visitor.look()
            shown[page] = len(visitor.drawn)
            if page == "fracture":
                visitor.choose("fracture_source", "Upload")
                pixels = (film.pixels * 255).round().astype("uint8")
                visitor.send_files("Radiographs", ("film.png", raster("PNG", pixels)))
                visitor.choose("fracture_more", "Explain")
                shown["upload"] = len(visitor.metrics)
            visitor.close()
        counts["pages"] = without_route()
    with socket.socket() as control:
        control.connect_ex((ELSEWHERE, 443))
    counts["control"] = without_route()
    sys.stdout.write(json.dumps({"counts": counts, "shown": shown}))


def test_no_page_asks_for_another_machine() -> None:
    if shutil.which(NAMESPACE[0]) is None or subprocess.run([*NAMESPACE, "true"]).returncode:
        pytest.skip("no network namespace to be had here (unshare is missing or not permitted)")
    inside = [sys.executable, "-m", "tests.test_no_route"]
    # Libraries keep quiet where they see that they are tested: here they must not see it.
    seen = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in seen}
    ran = subprocess.run(
        [*NAMESPACE, *inside], cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    assert min(told["shown"].values()) > 0, told["shown"]
    assert set(PAGES) < set(told["shown"])
    counts = told["counts"]
    assert counts["pages"] == counts["before"] == 0
    assert counts["control"] == 1, "what leaves is not counted here, so nothing was shown"


if __name__ == "__main__":
    main()

"""Samples: the table holds what the project promises, and only the listed bytes are accepted."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from core.errors import DownloadError
from core.samples import Sample, fetch, is_cached, samples
from tests.http_server import Quiet, serving

CONTENT = np.random.default_rng(3).bytes(20_000)


class Server(Quiet):
    """Serves one good file, and everything that can go wrong."""

    requests: ClassVar[list[str]] = []
    release = threading.Event()

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        if self.path == "/silent":
            self.release.wait(10)
            return
        self.send_response(200)
        length = 10 * len(CONTENT) if self.path == "/excess" else len(CONTENT)
        if self.path != "/unannounced":
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.path == "/good":
            self.wfile.write(CONTENT)
        elif self.path == "/corrupted":
            self.wfile.write(CONTENT[:-1] + b"x")
        elif self.path == "/excess":
            self.wfile.write(CONTENT * 10)
        elif self.path == "/stalled":
            self.wfile.write(CONTENT[:5000])
            self.wfile.flush()
            self.release.wait(10)
        else:  # truncated, unannounced
            self.wfile.write(CONTENT[:5000])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Server.requests.clear()
    Server.release.clear()
    with serving(Server, Server.release) as address:
        yield address


def sample(url: str) -> Sample:
    return replace(
        samples("fracture")[0],
        url=url,
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def get(url: str, cache: Path, **more) -> bytes:
    path = fetch(sample(url), cache=cache, allow_loopback_http=True, timeout_seconds=0.3, **more)
    return path.read_bytes()


def test_every_sample_says_what_to_look_at():
    rows = samples()
    assert all(len(row.look) > 30 and row.look.endswith((".", "?")) for row in rows)
    assert not any("look" in row.truth for row in rows)  # which Practice asks for


def test_table_lists_26_licensed_images_of_four_tasks():
    rows = samples()
    assert len(rows) == 26
    assert {row.task for row in rows} == {"fracture", "bone_age", "chest", "skull_strip"}
    assert all(row.licence and row.citation and row.used_in and row.title for row in rows)
    assert all(row.url.startswith("https://") and len(row.sha256) == 64 for row in rows)
    assert len({row.sha256 for row in rows}) == 26
    assert not any(row.used_in.startswith("train") for row in rows)


def test_samples_of_a_task_are_all_of_it():
    assert sum(len(samples(t)) for t in ("fracture", "bone_age", "chest", "skull_strip")) == 26
    assert {row.task for row in samples("chest")} == {"chest"}
    assert samples("no such task") == ()


def test_truth_is_parsed_per_task():
    broken = [row for row in samples("fracture") if "no fracture" not in row.title]
    sound = [row for row in samples("fracture") if "no fracture" in row.title]
    assert len(broken) == 6 and all(len(row.boxes_xyxy()) for row in broken)
    assert len(sound) == 2 and all(row.boxes_xyxy().shape == (0, 4) for row in sound)
    infant = samples("bone_age")[0].truth
    assert (infant["age_months"], infant["sex"]) == (12.0, "M")
    assert samples("chest")[0].truth["findings"] == ["Atelectasis", "Cardiomegaly", "Pneumonia"]
    assert samples("chest")[0].boxes_xyxy() is None


def test_boxes_follow_a_resized_image():
    row = next(row for row in samples("fracture") if row.name == "IMG0002376.jpg")
    np.testing.assert_allclose(row.boxes_xyxy(), [[1353.1, 1344.1, 1421.8, 1434.1]], rtol=1e-6)
    shrunk = row.boxes_xyxy((640, 512))  # from 2880 × 2304: by 4.5
    np.testing.assert_allclose(shrunk, row.boxes_xyxy() / 4.5, rtol=1e-5)


def test_boxes_lie_in_their_images():
    for row in samples("fracture"):
        boxes = row.boxes_xyxy()
        assert (boxes >= 0).all() and (boxes[:, 2:] > boxes[:, :2]).all()
        if len(boxes):
            assert (boxes[:, 2:] <= [row.truth["width"], row.truth["height"]]).all()


def test_good_file_arrives_and_is_cached(served, tmp_path):
    row = sample(f"{served}/good")
    assert not is_cached(row, cache=tmp_path)
    assert get(f"{served}/good", tmp_path) == CONTENT
    assert is_cached(row, cache=tmp_path)
    assert get(f"{served}/good", tmp_path) == CONTENT
    assert Server.requests == ["/good"]  # the second call made none


def test_progress_rises_to_one(served, tmp_path):
    seen: list[tuple[float, str]] = []
    get(f"{served}/good", tmp_path, progress=lambda share, what: seen.append((share, what)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 5
    assert all(0 <= share <= 1 for share in shares)
    assert "127.0.0.1" in seen[0][1]


def test_damaged_cache_is_fetched_again(served, tmp_path):
    path = fetch(sample(f"{served}/good"), cache=tmp_path, allow_loopback_http=True)
    path.write_bytes(CONTENT[:-1] + b"x")
    assert get(f"{served}/good", tmp_path) == CONTENT
    assert Server.requests == ["/good", "/good"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("corrupted", "SHA-256"),
        ("unannounced", "SHA-256"),
        ("elsewhere", "SHA-256"),
        ("excess", "SHA-256"),
        ("truncated", "broke off"),
        ("missing", "no file"),
        ("silent", "did not answer"),
        ("stalled", "broke off"),
    ],
)
def test_failure_is_one_sentence_and_leaves_nothing(served, tmp_path, page, words):
    with pytest.raises(DownloadError, match=words):
        get(f"{served}/{page}", tmp_path)
    assert not is_cached(sample(f"{served}/{page}"), cache=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_offline_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(DownloadError, match="cannot be reached"):
        get("http://127.0.0.1:9/good", tmp_path)  # the discard port: nobody listens


def test_folder_that_cannot_be_written_says_so(served, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be kept"):
        get(f"{served}/good", tmp_path / "file")


@pytest.mark.parametrize("url", ["http://example.org/a.png", "ftp://example.org/a", "file:///a"])
def test_only_https_is_asked(url, tmp_path):
    with pytest.raises(DownloadError, match="HTTPS only"):
        get(url, tmp_path)


def test_loopback_http_needs_the_explicit_permission(served, tmp_path):
    with pytest.raises(DownloadError, match="HTTPS only"):
        fetch(sample(f"{served}/good"), cache=tmp_path)
    assert Server.requests == []

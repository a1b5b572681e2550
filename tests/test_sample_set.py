"""One click on Home fetches all real samples, and goes on where it broke off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from core.errors import DownloadError
from core.samples import Sample, samples
from pages.shared import sample_set
from tests.page_runner import PageTest

SCRIPT = "from pages.shared import sample_set\nsample_set.offer()\n"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Names of the samples on this computer; "offline" in it breaks the connection."""
    names: set[str] = set()

    def fetch(sample: Sample, *, progress) -> None:  # type: ignore[no-untyped-def]
        progress(1.0, sample.name)
        if "offline" in names:
            raise DownloadError("example.org cannot be reached.")
        names.add(sample.name)

    monkeypatch.setattr(sample_set, "fetch", fetch)
    monkeypatch.setattr(sample_set, "is_cached", lambda sample: sample.name in names)
    st.cache_resource.clear()
    yield names


def test_all_samples_are_fetched_after_the_connection_came_back(
    there: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("home") / "page.py"
    script.write_text(SCRIPT)
    app = PageTest(str(script), default_timeout=30)
    app.run()
    known = sum(bool(sample.truth) for sample in samples())
    assert f"{len(samples())} real cases**, {known} of them with their truth" in app.words
    assert known < len(samples())  # of the head no mask is known
    assert "CC BY 4.0" in app.words
    there.add("offline")
    app.button(key="home_samples_fetch").click().run()
    assert [error.value for error in app.error] == ["example.org cannot be reached."]
    there.clear()
    app.button(key="home_samples_fetch").click().run()
    assert there == {sample.name for sample in samples()}
    assert "are on this computer" in app.words

"""Going to another page while the address says something of this one."""

from __future__ import annotations

from pathlib import Path

from tests.page_runner import PageTest

FIRST = """
import streamlit as st
from pages.shared.opened import switch

st.selectbox("Kind", ["a", "b"], key="first_kind", bind="query-params")
if st.button("Go", key="first_go"):
    switch("pages/second.py")
"""


def test_another_page_opens_though_a_widget_is_in_the_address(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "first.py").write_text(FIRST)
    (tmp_path / "pages" / "second.py").write_text("import streamlit as st; st.title('Second')")
    app = PageTest(str(tmp_path / "first.py"), default_timeout=60)
    app.query_params["first_kind"] = "b"
    app.run()
    assert app.selectbox(key="first_kind").value == "b"
    app.button(key="first_go").click().run()
    assert [title.value for title in app.title] == ["Second"]

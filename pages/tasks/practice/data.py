"""What is kept: export and import of everything, and deleting a reader or a series."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.practice import transfer
from core.practice.store import Store
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.practice import kept


def show() -> None:
    """Export, import and delete."""
    store = kept.store()
    st.caption(
        f"Kept in {store.database.path}: series, nicknames, answers and times. Never an image: a "
        "case is kept as where it came from and its hash."
    )
    left, right = views.pair("kept")
    with left:
        _transfer(store)
    with right:
        _delete(store)


def _transfer(store: Store) -> None:
    st.markdown("**Everything as a file.** It holds the truth of every case that was read.")
    with st.container(horizontal=True):
        everything = partial(transfer.export_json, store)
        rows = partial(transfer.export_csv, store)
        for kind, label, content in (
            ("json", "Everything (JSON)", everything),
            ("csv", "All readings (CSV)", rows),
        ):
            made = Download(label, f"practice.{kind}", content)
            views.download(f"practice_export_{kind}", made)
    file = st.file_uploader("Import (JSON or CSV)", type=["json", "csv"], key="practice_import")
    if file is not None and st.button("Import", key="practice_import_go", type="primary"):
        read = transfer.import_csv if file.name.endswith(".csv") else transfer.import_json
        added = views.show_error(lambda: read(store, file.getvalue()))
        if added is not None:
            st.success(added.sentence)


def _delete(store: Store) -> None:
    st.markdown("**Delete.** It cannot be undone; export first what you may need.")
    what = st.segmented_control(
        "Delete", ("A reader", "A series"), default="A reader", required=True, key="practice_kill"
    )
    if what == "A reader":
        names = store.readers()
        name = st.selectbox("Reader", names, index=None, key="practice_kill_reader")
        if name is None:
            return
        sentence = store.what_goes(reader=name)
    else:
        listed = {one.key: one for one in store.series()}
        name = st.selectbox(
            "Series",
            list(listed),
            index=None,
            format_func=kept.named(list(listed.values())).__getitem__,
            key="practice_kill_series",
        )
        if name is None:
            return
        sentence = store.what_goes(series=name)
    st.warning(sentence, icon=":material/delete_forever:")
    sure = st.checkbox("Yes, delete this", key=f"practice_kill_sure_{name}")
    if st.button("Delete", key="practice_kill_go", disabled=not sure):
        if what == "A reader":
            store.delete_reader(name)
            if name.casefold() == kept.nickname().casefold():
                kept.forget_reader()
        else:
            store.delete_series(name)
        st.toast(f"Done. {sentence}")
        st.rerun()

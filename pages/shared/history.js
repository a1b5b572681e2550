// One entry a page in the browser's history, as the reader left it.
// Streamlit adds an entry whenever a setting changes the address, and when a page is left first
// takes its settings out of it: Back led to the same page without them, and from the lab nowhere.
(() => {
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let left = location.href; // the address at the reader's last key or press
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => { left = location.href; }, true);
  }
  history.pushState = (state, title, address) => {
    const next = new URL(address ?? location.href, location.href);
    if (next.pathname === location.pathname) return replace(state, title, address);
    if (new URL(left).pathname === location.pathname) replace(history.state, "", left);
    return push(state, title, address);
  };
  addEventListener("popstate", () => { left = location.href; });
})();

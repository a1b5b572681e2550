"""Whether a page can be used by keys alone, and whether it loses anything when it is narrow."""

from __future__ import annotations

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

EVERY = """
window.everyElement = (root = document) => [...root.querySelectorAll("*")].flatMap(
  (one) => [one, ...(one.shadowRoot ? window.everyElement(one.shadowRoot) : [])]);
window.isShown = (one) => one.checkVisibility({ opacityProperty: false, visibilityProperty: true })
  && one.getClientRects().length > 0;
window.named = (one) => one.tagName.toLowerCase() + " " + (one.getAttribute("aria-label")
  || one.title || one.textContent || one.name || one.className).toString().trim().slice(0, 60);
"""
FOCUSED = """
() => {
  window.reached = new Set();
  // Focus that moves within a component is told to nobody outside of it.
  const roots = window.everyElement().flatMap((one) => one.shadowRoot ?? []);
  for (const root of [document, ...roots]) root.addEventListener(
    "focusin", (event) => window.reached.add(event.composedPath()[0]), true);
}
"""
CONTROLS = """
() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  window.controls = window.everyElement().filter((one) => one.matches(kinds) && one.tabIndex >= 0
    && !one.disabled && window.isShown(one) && !one.closest("[inert], [aria-hidden=true]")
    && !(one.type === "radio" && !one.checked)
    && !(one.role === "radio" && one.ariaChecked === "false"));  // arrows choose among these
  return window.controls.length;
}
"""
MISSED = """
() => window.controls.filter((one) => {
  const bar = one.closest("[role=toolbar]");  // arrows go on within it
  const within = bar && [...window.reached].some((other) => bar.contains(other));
  return one.isConnected && window.isShown(one) && !window.reached.has(one) && !within;
}).map(window.named)
"""
LOST = """
() => {
  const ICON = 20;  // a button so wide shows no text of its own
  const found = [];
  for (const one of [document.scrollingElement, ...document.querySelectorAll(
      "[data-testid=stMain], [data-testid=stSidebarContent]")]) {
    if (window.isShown(one) && !one.closest("[data-collapsed=true]")
        && one.scrollWidth > one.clientWidth + 1)
      found.push(`sideways: ${window.named(one)} ${one.scrollWidth} in ${one.clientWidth}`);
  }
  const said = "h1, h2, h3, button, label, [data-testid=stMetricValue], "
    + "[data-testid=stMetricLabel], [data-testid=stMarkdownContainer] p";
  for (const one of document.querySelectorAll(said)) {
    if (!window.isShown(one) || one.closest("[data-testid=stDataFrame], [data-collapsed=true]"))
      continue;
    const text = document.createRange();
    text.selectNodeContents(one);
    const width = text.getBoundingClientRect().width;
    for (let box = one; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (style.position === "absolute" || style.clipPath !== "none") break;
      if (["hidden", "clip"].includes(style.overflowX) && width > box.clientWidth + 2
          && box.clientWidth > ICON) {
        found.push(`cut: ${window.named(one)} ${Math.round(width)} in ${box.clientWidth}`);
        break;
      }
      if (["auto", "scroll"].includes(style.overflowX)) break;
    }
  }
  return found;
}
"""


MORE = 60  # cells of tables and parts of charts that take the focus too
MOST_MS = 10_000  # until what follows the window's size has done so


def unreached(page: Page) -> list[str]:
    """Controls that Tab does not come to, from the top of the page once around."""
    page.evaluate(f"() => {{ {EVERY} }}")
    page.evaluate(FOCUSED)
    page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    count: int = page.evaluate(CONTROLS)
    missed: list[str] = []
    for press in range(count + MORE):
        page.keyboard.press("Tab")
        if press >= count / 2 and press % 10 == 0 and not (missed := page.evaluate(MISSED)):
            return []
    return missed


def lost(page: Page, width: int, height: int) -> list[str]:
    """What is cut off or has to be scrolled to sideways in a window of this size."""
    page.evaluate(f"() => {{ {EVERY} }}")
    page.set_viewport_size({"width": width, "height": height})
    try:
        page.wait_for_function(f"() => ({LOST})().length === 0", timeout=MOST_MS, polling=500)
    except PlaywrightTimeout:
        found: list[str] = page.evaluate(LOST)
        return found
    return []

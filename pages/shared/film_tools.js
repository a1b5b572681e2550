// What a Plotly film viewer of ours can do beside Plotly's own wheel zoom and drag: window and
// level by a drag with the right button, a scale bar that follows the zoom, overlays on and off,
// and keys. It acts on the chart in the frame beside it and runs nothing on the server, but for
// the previous or next film and the presentation mode.
const STEPS = [1, 2, 5];
// What a key is meant for where it has the focus; all else leaves the keys to the viewer.
const WANTS_KEYS =
  "a, button, input, select, textarea, summary, iframe, canvas, [contenteditable], .stDataFrame, " +
  '[role="slider"], [role="radiogroup"], [role="tablist"], [role="listbox"], [role="menu"]';

function barLength(pixelsPerUnit, room) {
  const target = room / 5 / pixelsPerUnit;
  const power = 10 ** Math.floor(Math.log10(target));
  return Math.max(...STEPS.map((step) => step * power).filter((length) => length <= target));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const bar = parentElement.querySelector(".tools");
  const document_ = parentElement.ownerDocument ?? document;
  const frame = document_.querySelector(`.st-key-${data.frame}`);
  if (!frame) return;
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", `${data.alt} ${data.help}`);
  // Kept apart from the frame: Streamlit may build that anew at any run.
  const memory = ((document_.lightboxFilms ??= {})[data.frame] ??= {
    level: 0.5,
    width: 1,
    overlays: true,
    digest: "",
  });
  if (memory.digest !== data.digest) {
    Object.assign(memory, { level: 0.5, width: 1, view: null, digest: data.digest });
  }

  // A filter for this viewer alone; the picture's own element is renewed by Plotly at will.
  const name = `filter-${data.frame}`;
  let style = frame.querySelector(":scope > .film-style");
  if (!style) {
    style = document_.createElement("div");
    style.className = "film-style";
    style.style.cssText = "position:absolute;width:0;height:0";
    style.innerHTML =
      `<svg width="0" height="0" aria-hidden="true"><filter id="${name}" ` +
      `color-interpolation-filters="sRGB"><feComponentTransfer>` +
      `<feFuncR type="linear"/><feFuncG type="linear"/><feFuncB type="linear"/>` +
      `</feComponentTransfer></filter></svg><style></style>`;
    frame.append(style);
  }
  const functions = style.querySelectorAll("feFuncR, feFuncG, feFuncB");

  const chart = () => frame.querySelector(".js-plotly-plot");
  const press = (title) => frame.querySelector(`.modebar-btn[data-title="${title}"]`)?.click();

  function show() {
    const changed = memory.level !== 0.5 || memory.width !== 1;
    const slope = 1 / memory.width;
    for (const one of functions) {
      one.setAttribute("slope", slope);
      one.setAttribute("intercept", 0.5 - memory.level * slope);
    }
    const scope = `.st-key-${data.frame}`;
    style.querySelector("style").textContent =
      (changed ? `${scope} .imagelayer image { filter: url(#${name}); }` : "") +
      (memory.overlays
        ? ""
        : `${scope} .scatterlayer, ${scope} .heatmaplayer, ${scope} .imagelayer-above,
           ${scope} .film-label { display: none; }`);
    const said = bar.querySelector(".window");
    said.textContent = changed
      ? `Window ${Math.round(memory.width * 100)} %, level ${Math.round(memory.level * 100)} %`
      : "";
    const toggle = bar.querySelector(".overlays");
    toggle.setAttribute("aria-pressed", memory.overlays);
    label();
  }

  function label() {
    const notes = chart()?._fullLayout?.annotations ?? [];
    for (const note of frame.querySelectorAll("g.annotation")) {
      note.classList.toggle("film-label", notes[+note.dataset.index]?.name === "overlay");
    }
  }

  function scale() {
    const layout = chart()?._fullLayout;
    const host = frame.querySelector(".plot-container");
    if (!layout?.meta?.film || !host) return;
    const spacing = layout.meta.film.spacing_mm;
    host.querySelectorAll(":scope > .film-scale").forEach((old) => old.remove());
    for (const axis of Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key))) {
      const { range, _length, _offset } = layout[axis];
      const y = layout[axis.replace("x", "y")];
      const screen = _length / Math.abs(range[1] - range[0]);
      const panel = Number(axis.slice(5) || 1) - 1;
      // A panel whose film was enlarged has longer millimetres; its pixels stay pixels.
      const magnified = spacing ? (layout.meta.film.magnified?.[panel] ?? 1) : 1;
      const perUnit = (screen / (spacing ?? 1)) * magnified;
      const length = barLength(perUnit, _length);
      const mark = document_.createElement("div");
      mark.className = "film-scale";
      const up = _length < 260 ? 34 : 14; // above the caption where there is no room beside it
      const label = mark.appendChild(document.createElement("span"));
      label.textContent = `${+length.toPrecision(1)} ${spacing ? "mm" : "px"}`;
      // Above the bar and flush with its right end: on a narrow film it is wider than the bar.
      label.style.cssText = "position:absolute;right:0;bottom:2px;padding-right:2px";
      mark.style.cssText =
        `position:absolute;pointer-events:none;box-sizing:border-box;color:#f2f2f2;` +
        `font:12px sans-serif;text-shadow:0 0 3px #000,0 0 3px #000;` +
        `border:solid #f2f2f2;border-width:0 1px 2px;white-space:nowrap;` +
        `width:${length * perUnit}px;left:${_offset + _length * 0.98 - length * perUnit}px;` +
        `top:${y._offset + y._length - up}px;height:6px`;
      host.style.position = "relative";
      host.append(mark);
    }
  }

  // Streamlit puts a new chart in place whenever its figure changes: the zoom is carried over.
  // Plotly's own functions are out of reach, so a hidden button of the figure calls them.
  function remember(plot, change) {
    if (!Object.keys(change).some((name) => name.includes("axis"))) return; // a resize
    const { xaxis, yaxis } = plot._fullLayout;
    memory.view = { "xaxis.range": [...xaxis.range], "yaxis.range": [...yaxis.range] };
  }
  function restore(plot) {
    const button = plot.querySelector(".updatemenu-button");
    if (plot.restored || !button?.__data__) return;
    plot.restored = true;
    if (!memory.view) return;
    // As if by hand, so that Plotly keeps it when Streamlit draws the chart once more.
    Object.assign(button.__data__, { method: "_guiRelayout", args: [memory.view] });
    button.dispatchEvent(new MouseEvent("click"));
  }

  function follow() {
    const plot = chart();
    if (!plot?.on || !plot._fullLayout) return false;
    if (!plot.lightbox) {
      plot.lightbox = true;
      plot.on("plotly_relayout", (change) => remember(plot, change));
      plot.on("plotly_afterplot", () => {
        restore(plot);
        memory.draw();
      });
      restore(plot);
      plot.on("plotly_relayouting", () => memory.scale());
    }
    return true;
  }
  memory.scale = scale;
  memory.draw = () => {
    scale();
    label();
  };
  // Plotly's own work changes the frame, too: only a chart that is not followed yet costs anything.
  const watch = new MutationObserver(() => {
    if (!chart()?.lightbox && follow()) memory.draw();
  });
  watch.observe(frame, { childList: true, subtree: true });
  if (follow()) memory.draw();
  show();

  // The right button changes the window, as in every viewer of the trade: across the width, up
  // and down the level.
  let from = null;
  const down = (event) => {
    if (event.button !== 2 || !event.target.closest(".js-plotly-plot")) return;
    event.preventDefault();
    event.stopPropagation();
    from = { x: event.clientX, y: event.clientY, level: memory.level, width: memory.width };
  };
  const move = (event) => {
    if (!from) return;
    event.stopPropagation();
    memory.width = Math.min(Math.max(from.width + (event.clientX - from.x) / 300, 0.05), 3);
    memory.level = Math.min(Math.max(from.level + (event.clientY - from.y) / 300, 0), 1);
    show();
  };
  const up = (event) => {
    if (!from) return;
    event.stopPropagation();
    from = null;
  };
  const menu = (event) => {
    if (event.target.closest(".js-plotly-plot")) event.preventDefault();
  };

  const reset = () => {
    Object.assign(memory, { level: 0.5, width: 1 });
    press("Reset axes");
    show();
  };
  const overlays = () => {
    memory.overlays = !memory.overlays;
    show();
  };
  const step = (by) => data.steps && setTriggerValue("step", by);
  const present = () => setTriggerValue("present", !data.present);
  // Streamlit's own menu changes the theme without a reload, which would lose the session.
  const theme = () => {
    const back = getComputedStyle(document_.querySelector(".stApp")).backgroundColor;
    const [red, green, blue] = back.match(/\d+/g).map(Number);
    const other = red + green + blue < 384 ? "Light" : "Dark";
    const menu = document_.querySelector('[data-testid="stMainMenuButton"]');
    const choice = () => document_.querySelector(`[data-testid="stMainMenuItem-theme-${other}"]`);
    menu?.click();
    setTimeout(() => {
      choice()?.click();
      if (choice()) menu.click();
    }, 100);
  };
  const keys = {
    "+": () => press("Zoom in"),
    "=": () => press("Zoom in"),
    "-": () => press("Zoom out"),
    0: reset,
    o: overlays,
  };
  if (data.stage) {
    Object.assign(keys, {
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
      p: present,
      l: theme,
      Escape: () => data.present && present(),
    });
  }
  const key = (event) => {
    const inside = frame.contains(event.target) || bar.contains(event.target);
    // The stage's keys work wherever nothing else wants them.
    if (!inside && !(data.stage && !event.target.closest(WANTS_KEYS))) return;
    if (!bar.isConnected) return; // a viewer that is gone, such as that of the waiting page
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  const listeners = [
    [frame, "pointerdown", down, true],
    [frame, "mousedown", down, true],
    [document_, "pointermove", move, true],
    [document_, "pointerup", up, true],
    [frame, "contextmenu", menu, true],
    [document_, "keydown", key, false],
  ];
  bar.lightbox?.abort(); // of the call before this one
  const { signal } = (bar.lightbox = new AbortController());
  for (const [where, kind, what, capture] of listeners) {
    where.addEventListener(kind, what, { capture, signal });
  }

  bar.hidden = !data.stage;
  bar.querySelector(".previous").onclick = () => step(-1);
  bar.querySelector(".next").onclick = () => step(1);
  bar.querySelector(".previous").hidden = bar.querySelector(".next").hidden = !data.steps;
  bar.querySelector(".overlays").onclick = overlays;
  bar.querySelector(".reset").onclick = reset;
  bar.querySelector(".present").onclick = present;
  bar.querySelector(".theme").onclick = theme;
  bar.querySelector(".overlays").hidden = bar.querySelector(".reset").hidden = data.own;
  bar.querySelector(".present").textContent = data.present ? "Leave presentation" : "Present";
  bar.querySelector(".hint").textContent = data.own ? "" : data.help;
  return () => {
    watch.disconnect();
    bar.lightbox?.abort();
  };
}

// A film as SVG: zoom, pan, display window, inversion and fixed overlays. A tool (boxes.js or
// marks.js, which follow this text in one module) is laid on top of it.
const SVG = "http://www.w3.org/2000/svg";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP_FAR = 10; // pixels a press of an arrow key moves with Shift held

function node(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

// Movement in pixels that an arrow key asks for, or null.
function arrow(event) {
  const step = event.shiftKey ? STEP_FAR : 1;
  return ARROWS[event.key]?.map((way) => way * step) ?? null;
}

function makeFilm(root, data) {
  const svg = root.querySelector("svg");
  const { width, height } = data;
  const view = { x: 0, y: 0, scale: 1 };
  const film = { svg, id: data.id, width, height, tool: {}, locked: Boolean(data.locked) };
  svg.replaceChildren();
  svg.setAttribute("aria-label", data.alt);

  const filter = node("filter", { id: "window", x: 0, y: 0, width: "100%", height: "100%",
    "color-interpolation-filters": "sRGB" }, svg);
  const transfer = node("feComponentTransfer", {}, filter);
  const channels = ["feFuncR", "feFuncG", "feFuncB"].map((tag) =>
    node(tag, { type: "linear" }, transfer));
  const picture = node("image", { href: data.picture, width, height }, svg);
  const marks = node("g", { class: "marks" }, svg);
  const overlays = node("g", { class: "overlays" }, svg);
  film.drawing = node("g", { class: "drawing" }, svg);

  film.unit = () => 1 / (svg.getScreenCTM()?.a || 1);
  film.spot = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      svg.getScreenCTM().inverse(),
    );
    return [film.clamp(at.x, width), film.clamp(at.y, height)];
  };
  film.clamp = (value, most) => Math.min(Math.max(Math.round(value * 10) / 10, 0), most);
  film.centre = () => [view.x + width / view.scale / 2, view.y + height / view.scale / 2];

  function place() {
    view.x = Math.min(Math.max(view.x, 0), width - width / view.scale);
    view.y = Math.min(Math.max(view.y, 0), height - height / view.scale);
    const seen = [view.x, view.y, width / view.scale, height / view.scale];
    svg.setAttribute("viewBox", seen.join(" "));
    const unit = film.unit();
    for (const group of [marks, overlays, film.drawing]) {
      group.setAttribute("font-size", 14 * unit);
      group.setAttribute("stroke-width", 2);
    }
    film.tool.place?.(unit);
  }
  film.place = place;

  function zoom(factor, about = film.centre()) {
    const scale = Math.min(Math.max(view.scale * factor, 1), 8);
    const kept = view.scale / scale; // what lies under `about` stays there
    view.x = about[0] - (about[0] - view.x) * kept;
    view.y = about[1] - (about[1] - view.y) * kept;
    view.scale = scale;
    place();
  }

  function pan(event) {
    const from = { x: view.x, y: view.y, left: event.clientX, top: event.clientY };
    const unit = film.unit();
    return { move: (moved) => {
      view.x = from.x - (moved.clientX - from.left) * unit;
      view.y = from.y - (moved.clientY - from.top) * unit;
      place();
    } };
  }

  film.pan = pan;

  const [level, span] = ["level", "width"].map((name) => root.querySelector(`.${name}`));
  const inverted = root.querySelector(".invert");
  function look() {
    const [middle, across] = [level.value / 100, span.value / 100];
    let slope = 1 / across;
    let intercept = -(middle - across / 2) / across;
    if (inverted.checked) [slope, intercept] = [-slope, 1 - intercept];
    for (const channel of channels) {
      channel.setAttribute("slope", slope);
      channel.setAttribute("intercept", intercept);
    }
    const plain = slope === 1 && intercept === 0;
    plain ? picture.removeAttribute("filter") : picture.setAttribute("filter", "url(#window)");
  }
  for (const input of [level, span, inverted]) input.oninput = look;

  function whole() {
    [level.value, span.value, inverted.checked] = [50, 100, false];
    view.scale = 1;
    look();
    place();
  }

  // The right button drags the window, as on a reading station: across its width, up its level.
  function windowing(event) {
    const from = [Number(level.value), Number(span.value), event.clientX, event.clientY];
    return { move: (moved) => {
      span.value = from[1] + (moved.clientX - from[2]) / 3;
      level.value = from[0] + (moved.clientY - from[3]) / 5;
      look();
    } };
  }

  let drag = null;
  svg.oncontextmenu = (event) => event.preventDefault();
  svg.onpointerdown = (event) => {
    if (event.button === 2) drag = windowing(event);
    else if (event.button === 1 || event.shiftKey) drag = pan(event);
    else drag = (film.locked ? null : film.tool.press?.(film.spot(event), event)) ?? pan(event);
    svg.setPointerCapture(event.pointerId);
  };
  svg.onpointermove = (event) => drag?.move?.(event);
  svg.onpointerup = svg.onpointercancel = (event) => {
    const ended = drag;
    drag = null;
    ended?.up?.(event);
  };
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, film.spot(event));
  }, { passive: false });
  svg.onkeydown = (event) => {
    if (event.target !== svg || event.ctrlKey || event.metaKey || event.altKey) return;
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    if (dx || dy) {
      view.x += (dx * width) / view.scale / 8;
      view.y += (dy * height) / view.scale / 8;
      place();
    } else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") whole();
    else if (event.key === "i") inverted.click();
    else if (event.key === "o") overlays.style.display = overlays.style.display ? "" : "none";
    else return;
    event.preventDefault();
  };
  root.querySelector(".closer").onclick = () => zoom(1.5);
  root.querySelector(".wider").onclick = () => zoom(1 / 1.5);
  root.querySelector(".whole").onclick = whole;

  // Overlays: of each reader (truth, model, you) boxes, level lines and spots, each with a word,
  // and outlines without one.
  function overlay(layers = []) {
    overlays.replaceChildren();
    for (const layer of layers) {
      const group = node("g", { class: layer.style }, overlays);
      const text = (x, y, words, anchor = "start") => {
        const label = node("text", { x, y, dy: "-0.35em", "text-anchor": anchor }, group);
        label.textContent = words;
      };
      for (const { box, line, spot, outline, words } of layer.shapes) {
        if (outline) {
          const around = `M${outline.map((corner) => corner.join(" ")).join("L")}Z`;
          node("path", { class: "rim outline", d: around }, group);
          node("path", { class: "outline", d: around }, group);
        } else if (box) {
          const [x, y, right, bottom] = box;
          const frame = { x, y, width: right - x, height: bottom - y };
          node("rect", { ...frame, class: "rim" }, group);
          node("rect", frame, group);
          // Words of the three readers do not lie on each other where their boxes do.
          const below = { model: 18, you: 34 }[layer.style];
          text(x, below ? bottom + below * film.unit() : y, words);
        } else if (line) {
          const [x0, x1, y] = line;
          node("path", { class: "rim", d: `M${x0} ${y}H${x1}` }, group);
          node("path", { d: `M${x0} ${y}H${x1}` }, group);
          // Lines of the three may lie on each other: their words stand at different ends.
          if (layer.style === "truth") text(x0, y, words);
          else if (layer.style === "model") text(x1, y, words, "end");
          else text((x0 + x1) / 2, y, words, "middle");
        } else {
          const [x, y] = spot;
          const size = { truth: 18, model: 11, you: 7 }[layer.style] * film.unit();
          const cross = `M${x - size} ${y}h${2 * size}M${x} ${y - size}v${2 * size}`;
          node("path", { class: "rim", d: cross }, group);
          node("path", { d: cross }, group);
          if (layer.style === "you") text(x - size, y + 2.5 * size, words, "end");
          else text(x + size, layer.style === "truth" ? y - size : y + 2 * size, words);
        }
      }
    }
  }

  const [barX, barY] = [width * 0.97, height * 0.97];
  for (const kind of data.bar ? ["rim", "bar"] : []) {
    node("path", { class: kind, d: `M${barX - data.bar} ${barY}H${barX}` }, marks);
  }
  const texts = [[barX, barY, "end", "-0.4em", data.barLabel], [width * 0.02, height * 0.02,
    "start", "1em", data.side], ...(data.texts ?? [])];
  for (const [x, y, anchor, dy, words] of texts) {
    node("text", { x, y, dy, "text-anchor": anchor }, marks).textContent = words ?? "";
  }

  film.update = (now) => {
    film.locked = Boolean(now.locked);
    root.classList.toggle("locked", film.locked);
    if (picture.getAttribute("href") !== now.picture) picture.setAttribute("href", now.picture);
    svg.setAttribute("aria-label", now.alt);
    overlay(now.layers);
    film.tool.draw?.();
    place();
  };
  new ResizeObserver(place).observe(svg);
  whole();
  root.film = film;
  return film;
}

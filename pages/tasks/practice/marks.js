// Marks on a film: level lines with two ends each, or one spot. Without either, a film to look at.
const SETTLE_MS = 200; // several presses of a key make one answer

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".film");
  if (root.film?.id === data.id) return void root.film.refresh(data);
  const film = makeFilm(root, data);
  const lines = (data.lines ?? []).map((line) => ({ ...line })); // name, x0, x1, y, placed
  let spot = data.spot ?? null; // [x, y], on the frame that is shown
  let frame = data.frame ?? "";
  const button = root.querySelector(".add");
  button.textContent = data.wantsSpot ? "Mark centre" : "Reset lines";
  button.hidden = !data.wantsSpot && !lines.length;

  let timer = null;
  const tell = (wait = SETTLE_MS) => {
    clearTimeout(timer);
    const now = { id: data.id, frame, spot, lines: lines.map((line) => ({ ...line })) };
    timer = setTimeout(() => setStateValue("placed", now), wait);
  };

  // An end stops at its partner: a line never turns over.
  function moveEnd(line, end, x, y) {
    const at = film.clamp(x, film.width);
    if (end === "x0") line.x0 = Math.min(at, line.x1 - 1);
    else line.x1 = Math.max(at, line.x0 + 1);
    line.y = film.clamp(y, film.height);
    line.placed = true;
    place(film.unit());
  }

  function moveSpot(x, y) {
    spot = [film.clamp(x, film.width), film.clamp(y, film.height)];
    place(film.unit());
  }

  function handleOf(role, className, shapes, by, to) {
    const handle = node("g", { class: `handle ${className}`, tabindex: 0, role });
    for (const [tag, attributes] of shapes) node(tag, attributes, handle);
    handle.onkeydown = (event) => {
      const way = arrow(event);
      if (way) by(...way);
      else if (event.key === "Delete" && className === "spot") {
        spot = null;
        draw();
      } else return;
      event.preventDefault();
      event.stopPropagation();
      tell();
    };
    handle.onpointerdown = (event) => {
      if (event.button !== 0 || event.shiftKey || film.locked) return;
      event.stopPropagation();
      handle.focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (moved) => to(...film.spot(moved));
      handle.onpointerup = handle.onpointercancel = () => {
        handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
        tell(0);
      };
    };
    return handle;
  }

  function lineOf(line) {
    const group = node("g", { class: `line ${line.name}` });
    node("path", { class: "rim" }, group);
    node("path", { class: "stroke" }, group);
    for (const end of ["x0", "x1"]) {
      const handle = handleOf("slider", end, [
        ["rect", { class: "grip", x: -16, y: -24, width: 32, height: 48 }],
        ["path", { class: "tick", d: "M0 -14V14" }],
      ], (dx, dy) => moveEnd(line, end, line[end] + dx, line.y + dy), (x, y) =>
        moveEnd(line, end, x, y));
      const side = end === "x0" ? "left" : "right";
      handle.setAttribute("aria-label", `${line.name} line, ${side} end (px)`);
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", film.width);
      group.append(handle);
    }
    node("text", { "text-anchor": "middle" }, group);
    return group;
  }

  function draw() {
    film.drawing.replaceChildren();
    button.disabled = film.locked;
    if (film.locked) return;
    film.drawing.append(...lines.map(lineOf));
    if (spot) {
      film.drawing.append(handleOf("button", "spot", [
        ["circle", { class: "grip", r: 16 }],
        ["circle", { class: "ring", r: 10 }],
        ["path", { class: "tick", d: "M-6 0H6M0 -6V6" }],
      ], (dx, dy) => moveSpot(spot[0] + dx, spot[1] + dy), moveSpot));
    }
    place(film.unit());
  }

  function place(unit) {
    if (film.locked) return;
    lines.forEach((line, index) => {
      const group = film.drawing.children[index];
      const [rim, stroke, left, right, label] = group.children;
      group.classList.toggle("placed", Boolean(line.placed));
      for (const path of [rim, stroke]) path.setAttribute("d", `M${line.x0} ${line.y}H${line.x1}`);
      [[left, line.x0], [right, line.x1]].forEach(([handle, x]) => {
        handle.setAttribute("transform", `translate(${x} ${line.y}) scale(${unit})`);
        handle.setAttribute("aria-valuenow", x);
      });
      label.textContent = line.placed ? `${line.name} (you)` : `${line.name}: move an end`;
      label.setAttribute("x", (line.x0 + line.x1) / 2);
      label.setAttribute("y", line.y + (line.name === "chest" ? 20 : -8) * unit); // they may meet
    });
    const handle = film.drawing.querySelector(".spot");
    if (spot && handle) {
      handle.setAttribute("transform", `translate(${spot[0]} ${spot[1]}) scale(${unit})`);
      handle.setAttribute("aria-label", `Your mark at ${spot[0]}, ${spot[1]} px`);
    }
  }

  function mark(x, y) {
    spot = [film.clamp(x, film.width), film.clamp(y, film.height)];
    draw();
    film.drawing.querySelector(".spot").focus({ preventScroll: true });
    tell(0);
  }

  // Another frame has its own spot, which Python knows.
  film.refresh = (now) => {
    if ((now.frame ?? "") !== frame) {
      clearTimeout(timer);
      frame = now.frame ?? "";
      spot = now.spot ?? null;
    }
    film.update(now);
  };
  film.tool = { draw, place };
  if (data.wantsSpot) {
    // A click marks, a drag moves the film: only where the pointer stayed in its place.
    film.tool.press = (from, pressed) => ({
      ...film.pan(pressed),
      up: (event) => {
        const still = Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
        if (still < 5) mark(...from);
      },
    });
  }
  button.onclick = () => {
    if (data.wantsSpot) return mark(...film.centre());
    lines.splice(0, lines.length, ...data.fresh.map((line) => ({ ...line })));
    draw();
    tell(0);
  };
  film.update(data);
}

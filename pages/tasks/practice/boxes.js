// Boxes on a film: drag to draw one, drag it or its corners, or add and move it by keyboard.
const LEAST_PX = 3; // a smaller box is a click
const MOST_BOXES = 12;

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".film");
  if (root.film?.id === data.id) return void root.film.update(data);
  const film = makeFilm(root, data);
  const boxes = (data.boxes ?? []).map((box) => [...box]);
  const add = root.querySelector(".add");

  const tell = () => setStateValue("drawn", { id: data.id, boxes: boxes.map((box) => [...box]) });

  // A whole box keeps its size at the film's edge; a corner stops at its partner.
  function move(box, part, dx, dy) {
    const [x0, y0, x1, y1] = box;
    if (part === "box") {
      const right = Math.min(Math.max(dx, -x0), film.width - x1);
      const down = Math.min(Math.max(dy, -y0), film.height - y1);
      box.splice(0, 4, x0 + right, y0 + down, x1 + right, y1 + down);
    } else if (part === "first") {
      box[0] = Math.min(film.clamp(x0 + dx, film.width), x1 - LEAST_PX);
      box[1] = Math.min(film.clamp(y0 + dy, film.height), y1 - LEAST_PX);
    } else {
      box[2] = Math.max(film.clamp(x1 + dx, film.width), x0 + LEAST_PX);
      box[3] = Math.max(film.clamp(y1 + dy, film.height), y0 + LEAST_PX);
    }
    for (let at = 0; at < 4; at++) box[at] = Math.round(box[at] * 10) / 10;
  }

  function draw() {
    film.drawing.replaceChildren(...(film.locked ? [] : boxes.map(groupOf)));
    add.disabled = film.locked || boxes.length >= MOST_BOXES;
    place(film.unit());
  }

  function groupOf(box, index) {
    const group = node("g", { class: "you" });
    node("rect", { class: "rim" }, group);
    const parts = { box: "rect", first: "g", last: "g" };
    for (const [part, tag] of Object.entries(parts)) {
      const handle = node(tag, { class: `handle ${part}`, tabindex: 0, role: "button" }, group);
      if (tag === "g") {
        node("circle", { class: "grip", r: 14 }, handle);
        node("rect", { class: "corner", x: -5, y: -5, width: 10, height: 10 }, handle);
      }
      handle.onkeydown = (event) => pressed(event, box, part);
      handle.onpointerdown = (event) => dragged(event, box, part, handle);
    }
    node("text", { dy: "-0.4em" }, group).textContent = `you ${index + 1}`;
    return group;
  }

  function pressed(event, box, part) {
    const way = arrow(event);
    if (event.key === "Delete" || event.key === "Backspace") {
      boxes.splice(boxes.indexOf(box), 1);
      draw();
      (film.drawing.querySelector(".box") ?? add).focus({ preventScroll: true });
    } else if (way) {
      move(box, part, ...way);
      place(film.unit());
    } else return;
    event.preventDefault();
    event.stopPropagation();
    tell();
  }

  function dragged(event, box, part, handle) {
    if (event.button !== 0 || event.shiftKey || film.locked) return;
    event.stopPropagation();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    let at = film.spot(event);
    handle.onpointermove = (moved) => {
      const now = film.spot(moved);
      move(box, part, now[0] - at[0], now[1] - at[1]);
      at = now;
      place(film.unit());
    };
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
      tell();
    };
  }

  function place(unit) {
    if (film.locked) return;
    boxes.forEach(([x, y, right, bottom], index) => {
      const group = film.drawing.children[index];
      const [rim, whole, first, last, label] = group.children;
      const frame = Object.entries({ x, y, width: right - x, height: bottom - y });
      for (const rect of [rim, whole]) frame.forEach(([name, v]) => rect.setAttribute(name, v));
      first.setAttribute("transform", `translate(${x} ${y}) scale(${unit})`);
      last.setAttribute("transform", `translate(${right} ${bottom}) scale(${unit})`);
      label.setAttribute("x", x + 8 * unit);
      label.setAttribute("y", y);
      const [left, top, to, low] = [x, y, right, bottom].map(Math.round);
      const where = `${left}, ${top} to ${to}, ${low} px`;
      whole.setAttribute("aria-label", `Box ${index + 1}: ${where}`);
      first.setAttribute("aria-label", `Box ${index + 1}, upper left corner`);
      last.setAttribute("aria-label", `Box ${index + 1}, lower right corner`);
    });
  }

  function focusLast() {
    film.drawing.lastElementChild.querySelector(".box").focus({ preventScroll: true });
  }

  function added(box) {
    boxes.push(box);
    draw();
    focusLast();
  }

  film.tool = {
    draw,
    place,
    press(from) {
      if (boxes.length >= MOST_BOXES) return null;
      const box = [...from, ...from];
      let begun = false;
      return {
        move(event) {
          const to = film.spot(event);
          const across = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])];
          if (!begun && Math.min(...across) < LEAST_PX) return;
          if (!begun) added(box);
          begun = true;
          box.splice(0, 4, Math.min(from[0], to[0]), Math.min(from[1], to[1]),
            Math.max(from[0], to[0]), Math.max(from[1], to[1]));
          place(film.unit());
        },
        up() {
          if (begun) tell();
        },
      };
    },
  };

  add.onclick = () => {
    const [x, y] = film.centre();
    const half = Math.min(film.width, film.height) / 12;
    added([x - half, y - half, x + half, y + half].map((value) => Math.round(value * 10) / 10));
    tell();
  };
  film.svg.addEventListener("keydown", (event) => {
    if (event.target === film.svg && event.key === "b" && !add.disabled) add.click();
  });
  film.update(data);
}

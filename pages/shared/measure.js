// Points on a radiograph: click or “Add point” sets one, drag or the arrow keys move it.
const SVG = "http://www.w3.org/2000/svg";
const MOST_POINTS = 3;

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".measure");
  const svg = root.querySelector("svg");
  // The film stays while Python answers to a moved point; another film starts afresh.
  if (root.dataset.digest === data.digest) return;
  root.dataset.digest = data.digest;

  const points = [];
  const view = { x: 0, y: 0, scale: 1 };
  const film = document.createElementNS(SVG, "image");
  film.setAttribute("href", data.picture);
  film.setAttribute("width", data.width);
  film.setAttribute("height", data.height);
  const marks = document.createElementNS(SVG, "g");
  marks.setAttribute("class", "marks");
  const [barX, barY] = [data.width * 0.97, data.height * 0.97];
  marks.innerHTML =
    `<path d="M${barX - data.bar} ${barY}H${barX}"/>` +
    `<text text-anchor="end" x="${barX}" y="${barY}" dy="-0.4em"></text>` +
    `<text x="${data.width * 0.02}" y="${data.height * 0.02}" dy="1em"></text>`;
  marks.children[1].textContent = data.barLabel;
  marks.children[2].textContent = data.side;
  const lines = document.createElementNS(SVG, "polyline");
  const handles = document.createElementNS(SVG, "g");
  svg.replaceChildren(film, marks, lines, handles);
  svg.setAttribute("aria-label", data.alt);

  const tell = () => setStateValue("points", points.map((p) => [p.x, p.y]));
  const clamp = (value, most) => Math.min(Math.max(Math.round(value * 10) / 10, 0), most);
  const move = (point, x, y) => {
    point.x = clamp(x, data.width);
    point.y = clamp(y, data.height);
  };

  function look() {
    const width = data.width / view.scale;
    const height = data.height / view.scale;
    view.x = Math.min(Math.max(view.x, 0), data.width - width);
    view.y = Math.min(Math.max(view.y, 0), data.height - height);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${width} ${height}`);
  }

  function place() {
    const unit = data.width / view.scale / Math.max(svg.clientWidth, 1);
    lines.setAttribute("points", points.map((p) => `${p.x},${p.y}`).join(" "));
    lines.setAttribute("stroke-width", 2 * unit);
    marks.setAttribute("font-size", 14 * unit);
    marks.setAttribute("stroke-width", 2 * unit);
    points.forEach((point, index) => {
      const handle = handles.children[index];
      handle.setAttribute("transform", `translate(${point.x} ${point.y}) scale(${unit})`);
      handle.setAttribute("aria-label", `Point ${"ABC"[index]} at ${point.x}, ${point.y} px`);
    });
  }

  function draw() {
    handles.replaceChildren(...points.map(handleOf));
    root.querySelector(".add").disabled = points.length >= MOST_POINTS;
    place();
  }

  function handleOf(point, index) {
    const handle = document.createElementNS(SVG, "g");
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("role", "button");
    handle.innerHTML =
      '<circle class="grip" r="16"/><circle class="rim" r="8"/><path d="M-5 0H5M0 -5V5"/>' +
      `<text x="12" y="-10">${"ABC"[index]}</text>`;
    handle.onkeydown = (event) => {
      const step = event.shiftKey ? 10 : 1;
      const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step],
        ArrowDown: [0, step] }[event.key] ?? [0, 0];
      if (event.key === "Delete" || event.key === "Backspace") {
        points.splice(index, 1);
        draw();
      } else if (dx || dy) {
        move(point, point.x + dx, point.y + dy);
        place();
      } else return;
      event.preventDefault();
      tell();
    };
    handle.onpointerdown = (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (moved) => {
        move(point, ...spot(moved));
        place();
      };
      handle.onpointerup = () => {
        handle.onpointermove = handle.onpointerup = null;
        tell();
      };
    };
    return handle;
  }

  function spot(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      svg.getScreenCTM().inverse(),
    );
    return [at.x, at.y];
  }

  function add(x, y) {
    if (points.length >= MOST_POINTS) return;
    const point = {};
    move(point, x, y);
    points.push(point);
    draw();
    handles.lastElementChild.focus({ preventScroll: true });
    tell();
  }

  function zoom(factor) {
    const scale = Math.min(Math.max(view.scale * factor, 1), 8);
    const about = points.at(-1) ?? { x: data.width / 2, y: data.height / 2 };
    view.scale = scale;
    view.x = about.x - data.width / scale / 2;
    view.y = about.y - data.height / scale / 2;
    look();
    place();
  }

  let pressed = null;
  svg.onpointerdown = (event) => {
    pressed = { x: event.clientX, y: event.clientY, viewX: view.x, viewY: view.y };
  };
  svg.onpointermove = (event) => {
    if (!pressed || !event.buttons || view.scale === 1) return;
    const unit = data.width / view.scale / Math.max(svg.clientWidth, 1);
    view.x = pressed.viewX - (event.clientX - pressed.x) * unit;
    view.y = pressed.viewY - (event.clientY - pressed.y) * unit;
    look();
  };
  svg.onpointerup = (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < 4;
    pressed = null;
    if (still) add(...spot(event));
  };
  root.querySelector(".add").onclick = () =>
    add(view.x + data.width / view.scale / 2, view.y + data.height / view.scale / 2);
  root.querySelector(".clear").onclick = () => {
    points.length = 0;
    draw();
    tell();
  };
  root.querySelector(".closer").onclick = () => zoom(1.5);
  root.querySelector(".wider").onclick = () => zoom(1 / 1.5);

  const sized = new ResizeObserver(place);
  sized.observe(svg);
  look();
  draw();
  return () => sized.disconnect();
}

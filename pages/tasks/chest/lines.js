// The two lines of the cardiothoracic ratio on a film: drag an end, use the arrow keys, or type.
const SVG = "http://www.w3.org/2000/svg";
const LINES = ["heart", "chest"];
const ENDS = ["left", "right"];
const SETTLE_MS = 250; // several presses of a key make one answer

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".ratio");
  const svg = root.querySelector("svg");
  // The film stays while Python answers to a moved line; another film starts afresh.
  if (root.dataset.digest === data.digest) return;
  if (!root.dataset.digest) root.scrollIntoView({ block: "center" }); // it was asked for below
  root.dataset.digest = data.digest;

  const lines = {}; // name: [left x, right x, y]
  const start = () => LINES.forEach((name) => (lines[name] = [...data.lines[name]]));
  start();
  if (data.moved) LINES.forEach((name) => (lines[name] = [...data.moved[name]]));

  const film = document.createElementNS(SVG, "image");
  film.setAttribute("href", data.picture);
  film.setAttribute("width", data.width);
  film.setAttribute("height", data.height);
  const marks = document.createElementNS(SVG, "g");
  svg.replaceChildren(film, marks);
  svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  svg.setAttribute("aria-label", data.alt);

  let timer = null;
  const tell = () => {
    clearTimeout(timer);
    const now = { digest: data.digest, heart: [...lines.heart], chest: [...lines.chest] };
    timer = setTimeout(() => setStateValue("lines", now), SETTLE_MS);
  };
  const clamp = (value, most) => Math.min(Math.max(Math.round(value * 10) / 10, 0), most);

  // An end stops at its partner: a line never turns over.
  function move(name, end, x, y) {
    const line = lines[name];
    const at = clamp(x, data.width);
    line[end] = end === 0 ? Math.min(at, line[1] - 1) : Math.max(at, line[0] + 1);
    if (y !== undefined) line[2] = clamp(y, data.height);
    place();
  }

  const handles = {};
  for (const name of LINES) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", name);
    group.innerHTML =
      '<path class="rim"/><path class="line"/><text text-anchor="middle"></text>';
    handles[name] = { group, ends: ENDS.map((_, end) => handleOf(name, end)) };
    group.append(...handles[name].ends);
    marks.append(group);
  }

  function handleOf(name, end) {
    const handle = document.createElementNS(SVG, "g");
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", `${name} line, ${ENDS[end]} end (px)`);
    handle.setAttribute("aria-valuemin", 0);
    handle.setAttribute("aria-valuemax", data.width);
    handle.innerHTML = '<rect class="grip" x="-16" y="-26" width="32" height="52"/>' +
      '<path class="tick" d="M0 -18V18"/>';
    handle.onkeydown = (event) => {
      const step = event.shiftKey ? 10 : 1;
      const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step],
        ArrowDown: [0, step] }[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      move(name, end, lines[name][end] + dx, lines[name][2] + dy);
      tell();
    };
    handle.onpointerdown = (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (moved) => {
        const at = new DOMPoint(moved.clientX, moved.clientY).matrixTransform(
          svg.getScreenCTM().inverse(),
        );
        move(name, end, at.x, at.y);
      };
      handle.onpointerup = handle.onpointercancel = () => {
        handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
        tell();
      };
    };
    return handle;
  }

  const inputs = [...root.querySelectorAll("input")];
  for (const input of inputs) {
    const { name } = input.dataset;
    const end = Number(input.dataset.end);
    input.max = data.width;
    input.onchange = () => {
      if (input.value !== "") move(name, end, Number(input.value));
      place();
      tell();
    };
  }
  root.querySelector(".reset").onclick = () => {
    start();
    place();
    clearTimeout(timer);
    setStateValue("lines", { digest: data.digest, reset: true });
  };

  function place() {
    // The film keeps its shape: the tighter side says how large a film pixel is on the screen.
    const unit = Math.max(
      data.width / Math.max(svg.clientWidth, 1),
      data.height / Math.max(svg.clientHeight, 1),
    );
    for (const name of LINES) {
      const [x0, x1, y] = lines[name];
      const { group, ends } = handles[name];
      for (const path of group.querySelectorAll(":scope > path")) {
        path.setAttribute("d", `M${x0} ${y}H${x1}`);
        path.setAttribute("stroke-width", (path.classList.contains("rim") ? 5 : 2.5) * unit);
      }
      const text = group.querySelector("text");
      const long = data.mm ? `${((x1 - x0) * data.mm).toFixed(0)} mm` : `${(x1 - x0).toFixed(1)} px`;
      text.textContent = `${name} ${long}`;
      text.setAttribute("x", (x0 + x1) / 2);
      // The upper line's label stands above it and the lower one's below: they cannot meet.
      const upper = lines.heart[2] <= lines.chest[2] ? "heart" : "chest";
      text.setAttribute("y", name === upper ? y - 8 * unit : y + 20 * unit);
      text.setAttribute("font-size", 14 * unit);
      text.setAttribute("stroke-width", 3 * unit);
      [x0, x1].forEach((x, end) => {
        ends[end].setAttribute("transform", `translate(${x} ${y}) scale(${unit})`);
        ends[end].setAttribute("aria-valuenow", x);
      });
    }
    for (const input of inputs) {
      const value = lines[input.dataset.name][Number(input.dataset.end)];
      if (root.getRootNode().activeElement !== input || Number(input.value) !== value) {
        input.value = value;
      }
    }
    const ratio = (lines.heart[1] - lines.heart[0]) / (lines.chest[1] - lines.chest[0]);
    root.querySelector("output").textContent = `CTR ${ratio.toFixed(3)}`;
  }

  const sized = new ResizeObserver(place);
  sized.observe(svg);
  place();
  return () => {
    sized.disconnect();
  };
}

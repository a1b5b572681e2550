// A viewer around NiiVue whose controls work in the browser: opacity, colours, window, side
// convention and layout never go back to the server. Python sends the head, the mask and the
// reference as gzipped 8-bit NIfTI, and a digest of each; data with a known digest stay.

const SLICES = { axial: 0, coronal: 1, sagittal: 2, render: 4 };
const NORMAL = { axial: 2, coronal: 1, sagittal: 0 };
const HEADER_BYTES = 352;
const CROSSHAIR_MM = 0.8; // a pixel of the large plane in a low window
const NARROW_PX = 640; // below it the small views lie in a row under the large one
const LARGE = 0.66;
const LEAST_PX = 340;
const MOST_PX = 640;
const AROUND_PX = 265; // header, title, verdict and the line above the viewer
const OPEN = [0.0, 270, 0]; // a plane through the middle that takes the patient's left away
const CLOSED = [2, 0, 0];

// Values of the overlay: 1 model, 2 reference, 3 only the model, 4 only the reference; the blue
// and the orange stand for prediction and truth on every page.
const MARKS = {
  R: [0, 86, 230, 213, 240],
  G: [0, 180, 159, 94, 228],
  B: [0, 233, 0, 0, 66],
  A: [0, 255, 255, 255, 255],
  I: [0, 64, 128, 191, 255],
};
const MARK_MAX = 4;

const byId = (id) => document.getElementById(id);
const OPTIONS = {
  backColor: [0, 0, 0, 1],
  clipPlaneColor: [0, 0, 0, 0],
  crosshairColor: [0.91, 0.64, 0.24, 0.7],
  crosshairWidth: CROSSHAIR_MM,
  crosshairWidthUnit: "mm",
  show3Dcrosshair: true,
  isRadiologicalConvention: true,
  showAllOrientationMarkers: true,
  isCornerOrientationText: false,
  fontMinPx: 18,
  fontColor: [1, 1, 1, 1],
  tileMargin: 12,
  dragAndDropEnabled: false,
  loadingText: "",
  logLevel: "error",
};

let viewer = null;
let shown = { head: null, mask: null, reference: null };
let whole = null;
let mask = null;
let reference = null;
let content = "head";
let large = "axial";
let name = "head";

function post(type, more = {}) {
  window.parent.postMessage({ isStreamlitMessage: true, type, ...more }, "*");
}

async function unzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function library() {
  const packed = await (await fetch("niivue.umd.js.gz")).arrayBuffer();
  const script = document.createElement("script");
  script.src = URL.createObjectURL(new Blob([await unzip(packed)], { type: "text/javascript" }));
  await new Promise((done, failed) => {
    script.onload = done;
    script.onerror = () => failed(new Error("the library could not be read"));
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
  return window.niivue.Niivue;
}

async function load(args) {
  name = args.file_stem || "head";
  const headChanged = args.head_digest !== shown.head;
  const known = args.mask_digest === shown.mask && args.reference_digest === shown.reference;
  if (!headChanged && known) return;
  const place = viewer.volumes.length ? [...viewer.scene.crosshairPos] : null;
  const voxels = async (bytes) => (bytes ? (await unzip(bytes)).slice(HEADER_BYTES) : null);
  mask = await voxels(args.mask);
  reference = await voxels(args.reference);
  if (headChanged) {
    const file = await unzip(args.head);
    whole = file.slice(HEADER_BYTES);
    const plain = file.slice();
    // The overlay lies on the grid of the head and starts empty.
    plain.fill(0, HEADER_BYTES);
    new DataView(plain.buffer).setFloat32(112, 1, true);
    new DataView(plain.buffer).setFloat32(116, 0, true);
    const files = [
      { url: URL.createObjectURL(new Blob([file])), name: "head.nii", colormap: byId("colormap").value },
      {
        url: URL.createObjectURL(new Blob([plain])),
        name: "overlay.nii",
        colormap: "marks",
        opacity: 0.35,
        cal_min: 0,
        cal_max: MARK_MAX,
      },
    ];
    await viewer.loadVolumes(files);
    files.forEach((file) => URL.revokeObjectURL(file.url));
  }
  shown = { head: args.head_digest, mask: args.mask_digest, reference: args.reference_digest };
  if (!mask) content = "head";
  byId("contents").querySelector('[data-content="brain"]').disabled = !mask;
  for (const option of byId("overlay").options) {
    option.disabled = !{ mask, reference, both: mask && reference }[option.value];
  }
  if (byId("overlay").selectedOptions[0]?.disabled) byId("overlay").value = "mask";
  byId("overlay-label").hidden = !reference;
  byId("mask").disabled = !mask;
  byId("mask-label").classList.toggle("off", !mask);
  showContent();
  applyWindow();
  applyOverlay();
  if (place && !headChanged) viewer.scene.crosshairPos = place;
  viewer.drawScene();
  viewer.createOnLocationChange();
  document.body.dataset.loaded = `${shown.head} ${shown.mask}`;
}

function overlayValues() {
  const empty = new Uint8Array(whole.length);
  const kind = byId("overlay").value;
  if (kind === "reference" && reference) return reference.map((value) => (value ? 2 : 0));
  if (kind === "both" && reference && mask) {
    return mask.map((value, at) => (Boolean(value) === Boolean(reference[at]) ? 0 : value ? 3 : 4));
  }
  return mask ? mask.map((value) => (value ? 1 : 0)) : empty;
}

function showContent() {
  const base = viewer.volumes[0];
  if (!base) return;
  const brain = content === "brain" && mask;
  base.img = brain ? whole.map((value, at) => (mask[at] ? value : 0)) : whole;
  press("contents", "content", content);
  viewer.updateGLVolume();
}

function applyWindow() {
  const base = viewer.volumes[0];
  if (!base) return;
  const low = Math.min(Number(byId("low").value), Number(byId("high").value) - 1);
  const high = Math.max(Number(byId("high").value), low + 1);
  const span = base.global_max - base.global_min;
  base.cal_min = base.global_min + (span * low) / 100;
  base.cal_max = base.global_min + (span * high) / 100;
  viewer.updateGLVolume();
}

function applyOverlay() {
  if (viewer.volumes.length < 2) return;
  viewer.volumes[1].img = overlayValues();
  // On the stripped brain its own mask would only veil what the eye wants to see.
  byId("legend").hidden = byId("overlay").value !== "both";
  const veiled = content === "brain" && byId("overlay").value === "mask";
  viewer.setOpacity(1, veiled ? 0 : Number(byId("mask").value) / 100);
}

function press(group, attribute, value) {
  byId(group).querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset[attribute] === value));
  });
}

function arrange() {
  const small = Object.keys(SLICES).filter((one) => one !== large);
  const narrow = document.body.clientWidth < NARROW_PX;
  if (!byId("others").checked) {
    viewer.setCustomLayout([{ sliceType: SLICES[large], position: [0, 0, 1, 1] }]);
    return;
  }
  const first = narrow ? [0, 0, 1, LARGE] : [0, 0, LARGE, 1];
  const rest = small.map((one, at) => ({
    sliceType: SLICES[one],
    position: narrow ? [at / 3, LARGE, 1 / 3, 1 - LARGE] : [LARGE, at / 3, 1 - LARGE, 1 / 3],
  }));
  viewer.setCustomLayout([{ sliceType: SLICES[large], position: first }, ...rest]);
}

function windowHeight() {
  try {
    return window.parent.innerHeight;
  } catch {
    return 900; // the page has another origin
  }
}

function fit() {
  const around = byId("controls").offsetHeight + byId("status").offsetHeight + byId("hint").offsetHeight;
  const room = windowHeight() - AROUND_PX - around;
  const picture = Math.max(LEAST_PX, Math.min(room, MOST_PX, document.body.clientWidth));
  post("streamlit:setFrameHeight", { height: Math.round(picture + around + 4) });
  arrange();
}

function describe(location) {
  const [x, y, z] = location.mm;
  const side = (value, positive, negative) =>
    `${Math.abs(value).toFixed(0)} mm ${value >= 0 ? positive : negative}`;
  const value = location.values?.[0]?.value ?? 0;
  const axis = NORMAL[large];
  const count = viewer.volumes[0]?.dimsRAS;
  const slice = axis === undefined || !count ? "" : `${large} slice ${Math.round(location.vox[axis]) + 1} of ${count[axis + 1]} · `;
  const at = location.vox && count ? location.vox[0] + count[1] * (location.vox[1] + count[2] * location.vox[2]) : -1;
  const within = mask && at >= 0 ? (mask[at] ? " · in the mask" : " · outside the mask") : "";
  byId("status").textContent =
    `${slice}${side(x, "right", "left")}, ${side(y, "anterior", "posterior")}, ` +
    `${side(z, "superior", "inferior")} · intensity ${value.toPrecision(3)}${within}`;
}

function step(count) {
  const move = [0, 0, 0];
  move[NORMAL[large] ?? 2] = count;
  viewer.moveCrosshairInVox(...move);
  viewer.drawScene();
}

const KEYS = {
  ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10,
};

function wire() {
  byId("layouts").addEventListener("click", (event) => {
    if (!event.target.dataset.layout) return;
    large = event.target.dataset.layout;
    press("layouts", "layout", large);
    arrange();
    viewer.createOnLocationChange();
  });
  byId("others").addEventListener("change", arrange);
  byId("contents").addEventListener("click", (event) => {
    if (!event.target.dataset.content || event.target.disabled) return;
    content = event.target.dataset.content;
    showContent();
    applyOverlay();
  });
  byId("conventions").addEventListener("click", (event) => {
    const chosen = event.target.dataset.convention;
    if (!chosen) return;
    viewer.setRadiologicalConvention(chosen === "radiological");
    press("conventions", "convention", chosen);
  });
  byId("overlay").addEventListener("change", applyOverlay);
  byId("mask").addEventListener("input", applyOverlay);
  byId("low").addEventListener("input", applyWindow);
  byId("high").addEventListener("input", applyWindow);
  byId("colormap").addEventListener("change", () => {
    viewer.setColormap(viewer.volumes[0].id, byId("colormap").value);
  });
  byId("crosshair").addEventListener("change", (event) => {
    viewer.setCrosshairWidth(event.target.checked ? CROSSHAIR_MM : 0);
  });
  byId("cut").addEventListener("change", (event) => {
    viewer.setClipPlane(event.target.checked ? OPEN : CLOSED);
    viewer.drawScene();
  });
  byId("picture").addEventListener("click", () => viewer.saveScene(`${name}_view.png`));
  document.addEventListener("keydown", (event) => {
    // Sliders and lists keep their own arrow keys.
    if (!(event.key in KEYS) || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
    event.preventDefault();
    event.stopPropagation();
    step(KEYS[event.key]);
  }, true);
  viewer.onLocationChange = describe;
}

function dress(theme) {
  if (!theme) return;
  const style = document.documentElement.style;
  style.setProperty("--back", theme.backgroundColor);
  style.setProperty("--panel", theme.secondaryBackgroundColor);
  style.setProperty("--text", theme.textColor);
  style.setProperty("--accent", theme.primaryColor);
  style.setProperty("--edge", theme.borderColor ?? "#8884");
}

function say(words) {
  byId("status").textContent = words;
}

async function start() {
  // The library is large: Streamlit hears of this component before it is read.
  const Niivue = await library();
  viewer = new Niivue(OPTIONS);
  await viewer.attachToCanvas(byId("canvas"));
  viewer.addColormap("marks", MARKS);
  wire();
  fit();
  new ResizeObserver(fit).observe(document.body);
}

let busy = start().catch((error) => {
  say(`This browser cannot draw in 3D: WebGL 2 is missing (${error.message}).`);
  throw error;
});
busy.catch(() => {});

window.addEventListener("message", (event) => {
  if (event.data?.type !== "streamlit:render") return;
  const args = { ...event.data.args };
  dress(event.data.theme);
  busy = busy.then(() =>
    load(args).catch((error) => say(`The viewer could not show the volume (${error.message}).`)),
  );
  busy.catch(() => {});
});

post("streamlit:componentReady", { apiVersion: 1 });
post("streamlit:setFrameHeight", { height: LEAST_PX + 90 });

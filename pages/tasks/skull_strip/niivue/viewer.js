// A viewer around NiiVue whose controls work in the browser: opacity, colours, window, side
// convention and layout never go back to the server. Python sends the head and the mask as
// gzipped 8-bit NIfTI, and a digest of each; data with a known digest are left as they are.

// The blue that stands for a prediction on every page.
const MASK_COLOURS = { R: [0, 86], G: [0, 180], B: [0, 233], A: [0, 255], I: [0, 255] };
const LAYOUTS = { axial: 0, coronal: 1, sagittal: 2, planes: 3, render: 4 };
const HEADER_BYTES = 352;
const CROSSHAIR_MM = 1;
const ROW_PX = 950; // from this width on the planes stand in one row
const ROW = 3;
const GRID = 2;
const FIRST_HEIGHT = 720;

const byId = (id) => document.getElementById(id);
const OPTIONS = {
  backColor: [0, 0, 0, 1],
  crosshairColor: [0.91, 0.64, 0.24, 0.7],
  crosshairWidth: CROSSHAIR_MM,
  crosshairWidthUnit: "mm",
  show3Dcrosshair: true,
  isRadiologicalConvention: true,
  showAllOrientationMarkers: true,
  isCornerOrientationText: false,
  fontMinPx: 20,
  fontColor: [1, 1, 1, 1],
  tileMargin: 22,
  multiplanarShowRender: 1,
  multiplanarEqualSize: false,
  multiplanarPadPixels: 4,
  dragAndDropEnabled: false,
  loadingText: "",
  logLevel: "error",
};

let viewer = null;
let shown = { head: null, mask: null };
let whole = null;
let brain = null;
let content = "head";
let layout = "planes";

function post(type, more = {}) {
  window.parent.postMessage({ isStreamlitMessage: true, type, ...more }, "*");
}

async function unzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function asFile(bytes, name, more) {
  return { url: URL.createObjectURL(new Blob([bytes])), name, ...more };
}

async function load(args) {
  const headChanged = args.head_digest !== shown.head;
  const maskChanged = args.mask_digest !== shown.mask;
  if (!headChanged && !maskChanged) return;
  const place = viewer.volumes.length ? [...viewer.scene.crosshairPos] : null;
  const head = headChanged || !whole ? await unzip(args.head) : null;
  const mask = args.mask ? await unzip(args.mask) : null;
  if (head) whole = head.slice(HEADER_BYTES);
  const files = [];
  if (head) {
    files.push(asFile(head, "head.nii", { colormap: byId("colormap").value }));
    if (mask) files.push(maskFile(mask));
    await viewer.loadVolumes(files);
  } else {
    while (viewer.volumes.length > 1) viewer.removeVolume(viewer.volumes[1]);
    if (mask) await viewer.addVolumesFromUrl([maskFile(mask)]);
  }
  files.forEach((file) => URL.revokeObjectURL(file.url));
  brain = mask ? whole.map((value, at) => (mask[HEADER_BYTES + at] ? value : 0)) : null;
  shown = { head: args.head_digest, mask: args.mask_digest };
  if (!brain) content = "head";
  byId("contents").querySelector('[data-content="brain"]').disabled = !brain;
  byId("mask").disabled = !mask;
  byId("mask-label").classList.toggle("off", !mask);
  showContent();
  applyWindow();
  applyMask();
  if (place && !headChanged) viewer.scene.crosshairPos = place;
  viewer.drawScene();
  viewer.createOnLocationChange();
  document.body.dataset.loaded = `${shown.head} ${shown.mask}`;
}

function maskFile(mask) {
  return asFile(mask, "mask.nii", { colormap: "brain_mask", opacity: 0.35, cal_min: 0.5, cal_max: 1 });
}

function showContent() {
  const base = viewer.volumes[0];
  if (!base) return;
  base.img = content === "brain" && brain ? brain : whole;
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

function applyMask() {
  // On the stripped brain the overlay would only veil what the eye wants to see.
  if (viewer.volumes.length > 1) {
    viewer.setOpacity(1, content === "brain" ? 0 : Number(byId("mask").value) / 100);
  }
}

function press(group, name, value) {
  byId(group).querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset[name] === value));
  });
}

function fit() {
  const width = document.body.clientWidth;
  const planes = layout === "planes";
  const row = width >= ROW_PX;
  viewer.setMultiplanarLayout(row ? ROW : GRID);
  const picture = Math.min(planes && row ? 0.33 * width : 0.9 * width, 640);
  const around = byId("controls").offsetHeight + byId("status").offsetHeight + 12;
  post("streamlit:setFrameHeight", { height: Math.round(picture + around) });
}

function describe(location) {
  const [x, y, z] = location.mm;
  const side = (value, positive, negative) =>
    `${Math.abs(value).toFixed(0)} mm ${value >= 0 ? positive : negative}`;
  const value = location.values?.[0]?.value ?? 0;
  const within = location.values?.length > 1 ? (location.values[1].value > 0.5 ? " · in the mask" : " · outside the mask") : "";
  byId("status").textContent =
    `${side(x, "right", "left")}, ${side(y, "anterior", "posterior")}, ${side(z, "superior", "inferior")}` +
    ` · intensity ${value.toPrecision(3)}${within}`;
}

function wire() {
  byId("layouts").addEventListener("click", (event) => {
    if (!event.target.dataset.layout) return;
    layout = event.target.dataset.layout;
    viewer.setSliceType(LAYOUTS[layout]);
    press("layouts", "layout", layout);
    fit();
  });
  byId("contents").addEventListener("click", (event) => {
    if (!event.target.dataset.content || event.target.disabled) return;
    content = event.target.dataset.content;
    showContent();
    applyMask();
  });
  byId("convention").addEventListener("click", () => {
    const radiological = !viewer.opts.isRadiologicalConvention;
    viewer.setRadiologicalConvention(radiological);
    byId("convention").textContent = radiological ? "Radiological" : "Neurological";
  });
  byId("mask").addEventListener("input", applyMask);
  byId("low").addEventListener("input", applyWindow);
  byId("high").addEventListener("input", applyWindow);
  byId("colormap").addEventListener("change", () => {
    viewer.setColormap(viewer.volumes[0].id, byId("colormap").value);
  });
  byId("crosshair").addEventListener("change", (event) => {
    viewer.setCrosshairWidth(event.target.checked ? CROSSHAIR_MM : 0);
  });
  byId("cut").addEventListener("change", (event) => {
    viewer.setClipPlane(event.target.checked ? [0.05, 90, 0] : [2, 0, 0]);
  });
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
  const { Niivue } = await import("./niivue.js");
  viewer = new Niivue(OPTIONS);
  await viewer.attachToCanvas(byId("canvas"));
  viewer.addColormap("brain_mask", MASK_COLOURS);
  viewer.setSliceType(LAYOUTS.planes);
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
post("streamlit:setFrameHeight", { height: FIRST_HEIGHT });

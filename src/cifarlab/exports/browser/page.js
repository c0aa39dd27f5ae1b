// The page: the network in the browser. Pictures come by file, drop, paste and camera; nothing leaves the page, whose
// content security policy allows no connection at all.
"use strict";

const about = MODEL.about;
const [height, width, channels] = about.image_shape;
const TOP = 3;
const CAMERA_MILLISECONDS = 250;

const find = (id) => document.getElementById(id);
const drop = find("drop");
const chooser = find("chooser");
const told = find("told");
const answers = find("answers");
const seen = find("seen");
const camera = find("camera");
const video = find("video");
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
const percent = (share) => `${tenths.format(100 * share)} %`;
let stream = null;
let current = 0;

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// One thread: more need headers that a file on a disk cannot send.
async function open() {
  const address = URL.createObjectURL(new Blob([RUNTIME.module], { type: "text/javascript" }));
  const [runtime, wasm, network] = await Promise.all([import(address), unpack(RUNTIME.wasm), unpack(MODEL.network)]);
  URL.revokeObjectURL(address);
  runtime.env.wasm.wasmBinary = wasm;
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(new Uint8Array(network), { executionProviders: ["wasm"] });
  return { runtime, session };
}

// Red, green, blue to grey as Pillow's mode L, for networks of one channel.
function channelsOf(square) {
  if (channels === 3) return Uint8Array.from(square);
  const grey = new Uint8Array(square.length / 3);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = (square[3 * at] * 19595 + square[3 * at + 1] * 38470 + square[3 * at + 2] * 7471 + 32768) >> 16;
  }
  return grey;
}

// (H, W, C) bytes to K probabilities.
async function ask(pixels) {
  const { runtime, session } = await opened;
  const input = new runtime.Tensor("uint8", pixels, [1, height, width, channels]);
  const found = await session.run({ [session.inputNames[0]]: input });
  return [...found.probabilities.data];
}

function draw(pixels) {
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[4 * at + channel] = pixels[at * channels + (channels === 3 ? channel : 0)];
    }
    image.data[4 * at + 3] = 255;
  }
  seen.getContext("2d").putImageData(image, 0, 0);
  find("given").hidden = false;
}

function list(probabilities) {
  const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
  answers.replaceChildren(
    ...order.slice(0, TOP).map((index) => {
      const row = document.createElement("li");
      const [name, share, bar] = ["span", "span", "progress"].map((tag) => document.createElement(tag));
      name.textContent = about.class_names[index];
      share.textContent = percent(probabilities[index]);
      bar.value = probabilities[index];
      bar.setAttribute("aria-hidden", "true");
      row.append(name, share, bar);
      return row;
    }),
  );
  return order[0];
}

// What was asked later is shown, though an earlier picture may take longer.
async function classify(makeSquare, name) {
  const turn = (current += 1);
  try {
    const pixels = channelsOf(await makeSquare());
    const began = performance.now();
    const probabilities = await ask(pixels);
    if (turn !== current) return;
    draw(pixels);
    const first = list(probabilities);
    document.documentElement.dataset.answered = String(turn);
    if (name) told.textContent = `${name}: ${about.class_names[first]}, ${percent(probabilities[first])}, in ${Math.max(1, Math.round(performance.now() - began))} ms.`;
  } catch (error) {
    if (turn !== current) return;
    find("given").hidden = true; // what stands there is of another picture
    told.textContent = error.message;
  }
}

function take(files) {
  const [file, ...others] = files;
  if (!file) return;
  stopCamera();
  told.textContent = others.length ? `Reading ${file.name}, the first of ${files.length} ...` : "Reading ...";
  classify(() => squareOfFile(file, height), file.name || "The pasted picture");
}

async function startCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    told.textContent = `There is no picture from a camera: ${error.message}.`;
    return;
  }
  video.srcObject = stream;
  await video.play();
  video.hidden = false;
  camera.textContent = "Stop the camera";
  camera.setAttribute("aria-pressed", "true");
  told.textContent = "The camera's picture is classified four times a second, here on this page.";
  while (stream) {
    if (video.videoWidth) await classify(() => squareOf(video, video.videoWidth, video.videoHeight, height, false));
    await new Promise((resolve) => setTimeout(resolve, CAMERA_MILLISECONDS));
  }
}

function stopCamera() {
  if (!stream) return;
  for (const track of stream.getTracks()) track.stop();
  stream = null;
  video.hidden = true;
  video.srcObject = null;
  camera.textContent = "Use the camera";
  camera.setAttribute("aria-pressed", "false");
}

const opened = open();
opened.then(
  () => {
    document.documentElement.dataset.ready = "yes";
    if (told.dataset.waiting) told.textContent = "Ready. Choose, drop or paste a picture.";
    delete told.dataset.waiting;
  },
  (error) => { told.textContent = `The network cannot be started in this browser: ${error.message}`; },
);

find("choose").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => { take([...chooser.files]); chooser.value = ""; });
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
camera.hidden = !navigator.mediaDevices?.getUserMedia;
camera.addEventListener("click", () => (stream ? stopCamera() : startCamera()));

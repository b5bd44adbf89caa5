// The page: takes images, sends a few at a time, and shows the results.

import { setUpCamera } from "./camera.js";
import { showCard } from "./card.js";
import { classify, getCard, getModels, onUnauthorized, RequestError } from "./client.js";
import { megabytes, plural } from "./format.js";
import { Row } from "./row.js";

// Browsers open at most six connections to one server.
const MAX_AT_ONCE = 4;

const get = (id) => document.getElementById(id);
const rows = [];
let atWork = 0;
let batch = [];
let maxBytes = Infinity;
let model = Promise.reject(new RequestError("The server has no model."));
model.catch(() => {});

function addFiles(files) {
  if (!files.length) {
    showNotice("Only image files can be dropped or pasted here.");
    return;
  }
  const added = [...files].map((file) => new Row(file, again));
  rows.push(...added);
  get("list").prepend(...added.map((row) => row.element));
  // The server may have got a new artifact since the card was read.
  selectModel();
  work();
}

function again(row) {
  row.show("waiting", "Waiting");
  selectModel();
  work();
}

function work() {
  while (atWork < MAX_AT_ONCE) {
    const row = rows.find(({ state }) => state === "waiting");
    if (!row) break;
    atWork++;
    classifyRow(row).finally(() => { atWork--; work(); });
  }
  showSummary();
}

async function classifyRow(row) {
  row.show("sending", "Classifying …");
  try {
    await checkFile(row.file);
    const { name, card } = await model;
    const result = await classify(name, row.file, (seconds, retry, retries) =>
      row.show("sending", "The server is busy", `Next try in ${seconds} s (${retry} of ${retries}).`));
    row.showResult(result, card.confidence_threshold, hasSeveralModels() ? name : "");
  } catch (error) {
    row.show("failed", "Not classified", sentenceOf(error));
  }
  announce(row);
}

async function checkFile(file) {
  if (file.size > maxBytes) {
    throw new RequestError(`The file has ${megabytes(file.size)}; this server takes at most ${megabytes(maxBytes)}.`);
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new RequestError("The browser cannot read the file. For a folder, drop the files in it.");
  }
}

function sentenceOf(error) {
  if (error instanceof RequestError) return error.message;
  console.error(error);
  return "This page has a fault. The browser's console shows it.";
}

const count = (...states) => rows.filter(({ state }) => states.includes(state)).length;

function showSummary() {
  const open = count("waiting", "sending");
  const images = plural(rows.length, "image");
  const parts = [open ? `${rows.length - open} of ${images}` : images];
  if (count("unknown")) parts.push(`${count("unknown")} unknown`);
  if (count("failed")) parts.push(`${count("failed")} not classified`);
  get("summary").textContent = parts.join(", ");
  get("results").hidden = !rows.length;
  document.body.classList.toggle("has-results", rows.length > 0);
}

/** Screen readers read the result of a single image; of several, the summary once all are done. */
function announce(row) {
  showSummary();
  batch.push(row);
  if (count("waiting", "sending")) return;
  get("status").textContent = batch.length === 1 ? row.text : get("summary").textContent;
  batch = [];
}

function clear() {
  rows.splice(0).forEach((row) => row.remove());
  get("status").textContent = "";
  showSummary();
  get("choose").focus();
}

const hasSeveralModels = () => get("model").options.length > 1;

/** Read the card of the selected model, for the rows to come. */
async function selectModel() {
  const name = get("model").value;
  const selected = readModel(name);
  model = selected;
  try {
    const { card } = await selected;
    if (model !== selected) return;
    showCard(get("about").querySelector("dl"), card);
    get("about").hidden = false;
    showNotice("");
  } catch (error) {
    if (model === selected) showNotice(sentenceOf(error), true);
  }
}

async function readModel(name) {
  if (!name) throw new RequestError("The server has no model.");
  return { name, card: await getCard(name) };
}

async function start() {
  try {
    const { models, max_request_bytes: limit } = await getModels();
    maxBytes = limit ?? Infinity;
    get("model").replaceChildren(...models.map(({ name }) => new Option(name)));
    get("model-field").hidden = !hasSeveralModels();
    await selectModel();
  } catch (error) {
    showNotice(sentenceOf(error), true);
  }
}

function showNotice(sentence, canRetry = false) {
  const notice = get("notice");
  notice.hidden = !sentence;
  notice.querySelector("p").textContent = sentence;
  notice.querySelector("button").hidden = !canRetry;
}

function askForToken(isRejected) {
  const dialog = get("token");
  const field = dialog.querySelector("input");
  get("token-text").textContent = isRejected ? "The server did not accept this token." : "This server asks for a token.";
  field.value = dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    const close = () => done(dialog.returnValue === "use" ? field.value : "");
    dialog.addEventListener("close", close, { once: true });
  });
}

function setUpDrop() {
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = isFiles(event) ? "copy" : "none";
    document.body.classList.toggle("dragging", isFiles(event));
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    addFiles(event.dataTransfer.files);
  });
}

function setUp() {
  setUpDrop();
  setUpCamera(get("use-camera"), get("camera-hint"), (file) => addFiles([file]));
  onUnauthorized(askForToken);
  addEventListener("paste", (event) => {
    // Text for the field of the token is not an image.
    if (event.target !== get("token").querySelector("input")) addFiles(event.clipboardData.files);
  });
  get("choose").addEventListener("click", () => get("files").click());
  get("files").addEventListener("change", () => { addFiles(get("files").files); get("files").value = ""; });
  get("clear").addEventListener("click", clear);
  get("model").addEventListener("change", selectModel);
  get("notice").querySelector("button").addEventListener("click", start);
  // Beside the results where there is room, otherwise folded above them.
  get("about").open = matchMedia("(min-width: 60rem)").matches;
  start();
}

setUp();

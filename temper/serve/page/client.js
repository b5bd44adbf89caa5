// Requests to the server of this page. Every failure is a RequestError whose message is a sentence for the user.

const MAX_RETRIES = 5;
const MAX_WAIT_SECONDS = 30;
const TIMEOUT_MILLISECONDS = 120_000;
const SENTENCES = {
  413: "The image is larger than this server accepts.",
  503: "The server is busy. Try again later.",
  504: "The server did not classify the image in time.",
};

export class RequestError extends Error {}

// In memory only: a reload forgets it.
let token = "";
let asking = null;

/** Requests that get a 401 wait for `ask(isRejected)`, which resolves to a token, or to "" when the user cancels. */
let ask = async () => "";
export function onUnauthorized(callback) {
  ask = callback;
}

async function newToken() {
  asking ??= ask(token !== "").finally(() => { asking = null; });
  token = await asking;
  if (!token) throw new RequestError("The server needs a token.");
}

async function send(path, options = {}) {
  for (;;) {
    const used = token;
    const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
    const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
    let response;
    try {
      response = await fetch(path, { ...options, headers, signal, cache: "no-store" });
    } catch (error) {
      throw new RequestError(
        error.name === "TimeoutError"
          ? "The server did not reply within 2 minutes."
          : "The server cannot be reached. It has stopped, or the network is down.",
      );
    }
    if (response.status !== 401) return response;
    // Another request may have got a new token in the meantime.
    if (token === used) await newToken();
  }
}

async function contentOf(response) {
  let content = null;
  try {
    content = await response.json();
  } catch {
    // A proxy's error page, or a connection that ended early.
  }
  if (response.ok && content) return content;
  const { status } = response;
  if (content?.error) throw new RequestError(sentence(content.error));
  throw new RequestError(SENTENCES[status] || `The server replied with an error (status ${status}).`);
}

function sentence(text) {
  const start = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

const path = (model, action) => `v2/models/${encodeURIComponent(model)}/${action}`;

/** `{models: [{name, ready}], max_request_bytes?}` */
export const getModels = async () => contentOf(await send("v2/models"));

/** The model's card, as the server sends it. */
export const getCard = async (model) => contentOf(await send(path(model, "card")));

/** The server's result with `roundTrip` in milliseconds. onBusy(seconds, retry, retries): before each wait after a 503. */
export async function classify(model, file, onBusy) {
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  for (let retry = 1; ; retry++) {
    const started = performance.now();
    const response = await send(path(model, "classify?top_k=5"), { method: "POST", body: file, headers });
    if (response.status !== 503 || retry > MAX_RETRIES) {
      const result = await contentOf(response);
      return { ...result, roundTrip: performance.now() - started };
    }
    const seconds = Math.min(Number(response.headers.get("Retry-After")) || 1, MAX_WAIT_SECONDS);
    onBusy(seconds, retry, MAX_RETRIES);
    // Clients that were refused together do not come back together.
    await new Promise((done) => setTimeout(done, seconds * (1000 + 250 * Math.random())));
  }
}

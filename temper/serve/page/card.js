// The card of the selected model.

import { percent, plural } from "./format.js";

const MAX_LABELS = 12;

/** Fill a <dl> with what the card says; fields that are not known are left out. */
export function showCard(list, card) {
  list.replaceChildren();
  const add = (title, ...values) => list.append(element("dt", title), ...values.map((value) => element("dd", value)));
  add("Artifact", card.artifact);
  if (card.accuracy) add("Accuracy", accuracy(card.accuracy));
  if (card.agreement) {
    add("Agreement", `${percent(card.agreement.agreement)} of labels equal the Keras model's, ` +
      `on ${plural(card.agreement.images, "image")}`);
  }
  if (card.confidence_threshold !== null) {
    add("Confidence threshold", `${percent(card.confidence_threshold)} (the mark on each bar)`);
  }
  add("Labels", labels(card.labels));
  add("Input", `${card.size} × ${card.size} pixels`);
  add("Precision", card.precision);
  add("Runtime", card.device ? `${card.runtime}, ${card.device}` : card.runtime);
  const digest = element("code", card.sha256.slice(0, 12));
  digest.title = card.sha256;
  add("SHA-256", digest);
}

function accuracy({ value, interval, images }) {
  const [low, high] = interval.map((limit) => (100 * limit).toFixed(1));
  return `${percent(value)} [${low}, ${high}] on ${plural(images, "held-out image")}`;
}

function labels(names) {
  const shown = names.slice(0, MAX_LABELS).join(", ");
  if (names.length <= MAX_LABELS) return shown;
  const details = element("details", element("summary", `${plural(names.length, "label")}`));
  details.append(names.join(", "));
  return details;
}

function element(name, content) {
  const made = document.createElement(name);
  made.append(content);
  return made;
}

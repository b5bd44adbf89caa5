// One image in the list of results. Text comes from labels and file names: it is only ever set by textContent.

import { milliseconds, percent } from "./format.js";

const rowTemplate = document.getElementById("row");
const barTemplate = document.getElementById("bar");

export class Row {
  state = "waiting";

  /** onAgain(row): called when the user wants the image to be sent again. */
  constructor(file, onAgain) {
    this.file = file;
    this.element = rowTemplate.content.firstElementChild.cloneNode(true);
    this.part(".file").textContent = file.name;
    this.part("button").addEventListener("click", () => onAgain(this));
    const image = this.part("img");
    image.addEventListener("error", () => this.#withoutThumbnail(), { once: true });
    image.src = URL.createObjectURL(file);
    this.show("waiting", "Waiting");
  }

  part(selector) {
    return this.element.querySelector(selector);
  }

  /** state: "waiting", "sending", "known", "unknown" or "failed". */
  show(state, heading, detail = "") {
    this.state = state;
    this.element.dataset.state = state;
    this.part("h3").textContent = heading;
    this.part(".detail").textContent = detail;
    this.part(".detail").hidden = !detail;
    this.part("button").hidden = state !== "failed";
    this.part(".bars").hidden = true;
    this.part(".time").textContent = "";
  }

  /** The server's result. threshold: the card's, or null. model: its name where several are served. */
  showResult(result, threshold, model) {
    const [best] = result.predictions;
    if (result.unknown) {
      const limit = threshold === null ? "the threshold" : `the threshold of ${percent(threshold)}`;
      this.show("unknown", "Unknown", `No label reaches ${limit}. The closest is ${best.label}.`);
    } else {
      this.show("known", best.label);
    }
    const bars = this.part(".bars");
    bars.replaceChildren(...result.predictions.map(bar));
    bars.hidden = false;
    bars.classList.toggle("with-threshold", threshold !== null);
    bars.style.setProperty("--threshold", threshold ?? 0);
    this.part(".time").textContent = `${times(result)}${model && ` · ${model}`}`;
  }

  /** What a screen reader reads. */
  get text() {
    const value = this.state === "known" ? this.part(".bars .value").textContent : this.part(".detail").textContent;
    return `${this.file.name}: ${this.part("h3").textContent}. ${value}`;
  }

  remove() {
    URL.revokeObjectURL(this.part("img")?.src ?? "");
    this.element.remove();
  }

  #withoutThumbnail() {
    URL.revokeObjectURL(this.part("img").src);
    const kind = /\.(\w{1,5})$/.exec(this.file.name)?.[1] ?? "file";
    const text = Object.assign(document.createElement("span"), { textContent: kind.toUpperCase() });
    text.title = "This browser cannot show the file.";
    this.part(".thumbnail").replaceChildren(text);
  }
}

function times({ roundTrip, milliseconds: { queue, compute, total } }) {
  const parts = { network: roundTrip - total, decoding: total - queue - compute, queue, compute };
  const texts = Object.entries(parts).map(([name, value]) => `${name} ${milliseconds(Math.max(value, 0))}`);
  return `${milliseconds(roundTrip)} ms: ${texts.join(", ")}`;
}

function bar({ label, probability }) {
  const element = barTemplate.content.firstElementChild.cloneNode(true);
  element.querySelector(".name").textContent = label;
  element.querySelector(".value").textContent = percent(probability);
  element.querySelector(".track span").style.width = `${100 * probability}%`;
  return element;
}

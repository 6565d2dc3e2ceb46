// The big numbers above a report.

import { make, setAttribute, setText } from "../lib/dom.js";

/**
 * @param {HTMLElement} place
 * @param {{ id: string, label: string, value: string, note?: string, before?: string }[]} figures the same ones in the same order each time
 */
export function showFigures(place, figures) {
  figures.forEach(({ id, label, value, note = "", before = "" }, index) => {
    const figure =
      place.children[index] ??
      place.appendChild(
        make(
          "div",
          { class: "figure" },
          make("span", { class: "figure-label" }),
          make("span", { class: "figure-value" }),
          make("span", { class: "figure-note" }),
          make("span", { class: "figure-before" }),
        ),
      );
    setAttribute(figure, "data-figure", id);
    setText(figure.children[0], label);
    setText(figure.children[1], value);
    setText(figure.children[2], note);
    setText(figure.children[3], before);
    figure.children[3].hidden = before === "";
  });
}

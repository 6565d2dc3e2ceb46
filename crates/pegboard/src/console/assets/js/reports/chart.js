// Charts over intervals, on uPlot: what is the same for all of them. Values stand in the middle of their interval.

import uPlot from "../../vendor/uplot.js";
import { make, setText } from "../lib/dom.js";
import { interval } from "../lib/format.js";
import { colour } from "../lib/theme.js";

const FONT = '12px Inter, "Segoe UI", system-ui, sans-serif';
const TIMES = [
  [3600, "{HH}:{mm}", "\n{D}. {MMM}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D}. {MMM}", null, null, null, null, null, 1],
];

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {string} colour a token
 * @property {"bars" | "hatched" | "line"} kind
 * @property {number[]} [dash] tells lines apart without colour
 * @property {string} [scale] `y` unless given
 * @property {(value: number) => string} show the value in the legend
 * @property {boolean} [points]
 * @property {number} [width]
 */

/**
 * @typedef {object} Shape
 * @property {Series[]} series drawn in this order, later ones over earlier ones
 * @property {(value: number) => string} axis
 * @property {number[]} [steps] between the lines of the axis
 * @property {{ scale: string, range: [number, number], text: (value: number) => string }} [right]
 * @property {HTMLElement} [legend]
 */

export class Chart {
  #place;
  #shape;
  #plot = null;
  /** @type {{ start: number, length: number }[]} */
  #grid = [];
  #values = [];
  #shown = [];
  #open = Infinity;
  #ahead = Infinity;
  #drawn = "";

  /** @param {HTMLElement} place @param {Shape} shape */
  constructor(place, shape) {
    this.#place = place;
    this.#shape = shape;
    new ResizeObserver(() => this.#resize()).observe(place);
    document.addEventListener("themechange", () => this.#build());
  }

  /** Other series than before. @param {Series[]} series */
  reshape(series) {
    this.#shape = { ...this.#shape, series };
    this.#drawn = "";
  }

  /**
   * @param {{ start: number, length: number }[]} grid the intervals
   * @param {(number | null)[][]} values what is drawn, for each series
   * @param {{ open?: number, ahead?: number, shown?: (number | null)[][] }} [more] since when intervals are provisional, since when
   * they are still to come, and what the legend says instead of what is drawn (bars that are stacked are drawn as sums)
   */
  show(grid, values, { open = Infinity, ahead = Infinity, shown = values } = {}) {
    const drawn = JSON.stringify([grid, values, open, ahead]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const same = this.#plot !== null && this.#plot.series.length === values.length + 1;
    this.#grid = grid;
    this.#values = values;
    this.#shown = shown;
    this.#open = open;
    this.#ahead = ahead;
    if (same) this.#plot.setData(this.#data());
    else this.#build();
    this.#legend(null);
  }

  #data() {
    return [this.#grid.map((slot) => (slot.start + this.#lengthOf(slot) / 2) / 1000), ...this.#values];
  }

  /** An open interval is drawn as long as it will be: a bar keeps its place and its width while it grows. */
  #lengthOf({ start, length }) {
    return start >= this.#open ? Math.max(length, this.#grid[0].length) : length;
  }

  #build() {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#values.length === 0 || this.#place.clientWidth === 0) return;
    this.#plot = new uPlot(this.#options(), this.#data(), this.#place);
    this.#legend(null);
  }

  #resize() {
    if (this.#plot === null) this.#build();
    else this.#plot.setSize({ width: this.#place.clientWidth, height: this.#place.clientHeight });
  }

  #options() {
    const { series, axis, steps, right } = this.#shape;
    const grid = { stroke: colour("line"), width: 1 };
    const base = { stroke: colour("text-faint"), font: FONT, ticks: { show: false } };
    const axes = [
      { ...base, grid: { show: false }, values: TIMES, space: 64, size: 42 },
      {
        ...base,
        grid,
        size: 52,
        space: 36,
        ...(steps && { incrs: steps }),
        values: (_, splits) => splits.map((value) => (value === null ? "" : axis(value))),
      },
    ];
    const scales = { x: { range: () => this.#range() }, y: { range: (_, low, high) => [0, nice(high)] } };
    if (right) {
      scales[right.scale] = { range: () => right.range };
      axes.push({
        ...base,
        scale: right.scale,
        side: 1,
        grid: { show: false },
        size: 52,
        values: (_, splits) => splits.map(right.text),
      });
    }
    return {
      width: this.#place.clientWidth,
      height: this.#place.clientHeight,
      padding: [12, right ? 0 : 14, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales,
      axes,
      series: [{}, ...series.map((one, index) => drawing(one, series.slice(index + 1).some(isBar)))],
      hooks: { drawAxes: [(plot) => this.#shadeOpen(plot)], setCursor: [(plot) => this.#legend(plot.cursor.idx)] },
    };
  }

  #range() {
    const first = this.#grid[0];
    const last = this.#grid.at(-1);
    return first ? [first.start / 1000, (last.start + this.#lengthOf(last)) / 1000] : [0, 1];
  }

  /** Intervals that are still open stand on a ground of their own, with the word for it. */
  #shadeOpen(plot) {
    const last = this.#grid.at(-1);
    if (!last || this.#open > last.start) return;
    const { ctx, bbox } = plot;
    const place = (ms) => plot.valToPos(ms / 1000, "x", true);
    const from = Math.max(bbox.left, place(this.#open));
    const right = bbox.left + bbox.width;
    const to = this.#ahead > last.start ? right : Math.min(right, place(this.#ahead));
    ctx.save();
    ctx.fillStyle = hatch(ctx, colour("line-strong"), 9);
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.restore();
  }

  #legend(index) {
    const { legend, series } = this.#shape;
    if (!legend) return;
    if (legend.childElementCount !== series.length + 1) this.#makeLegend();
    const at = index ?? this.#grid.findLastIndex(({ start }) => start < this.#ahead);
    const slot = this.#grid[at];
    setText(legend.firstElementChild, slot ? `${interval(slot.start, slot.length)}${this.#standing(slot)}` : "");
    series.forEach(({ show }, place) => {
      const value = this.#shown[place]?.[at];
      setText(legend.children[place + 1].lastElementChild, value === null || value === undefined ? "–" : show(value));
    });
  }

  #standing({ start }) {
    if (start >= this.#ahead) return " · to come";
    return start >= this.#open ? " · provisional" : "";
  }

  #makeLegend() {
    const { legend, series } = this.#shape;
    legend.replaceChildren(
      make("span", { class: "legend-time" }),
      ...series.map((one) => {
        const key = make("span", {
          class: `legend-key ${one.kind}`,
          "data-dash": Boolean(one.dash),
          "aria-hidden": "true",
        });
        key.style.setProperty("--key", `var(--${one.colour})`);
        return make("span", { class: "legend-item" }, key, `${one.label} `, make("b"));
      }),
    );
  }
}

function drawing({ colour: token, kind, dash, scale = "y", points = false, width = 2 }, covered) {
  const stroke = colour(token);
  if (kind === "line") {
    return { scale, stroke, width, dash, spanGaps: false, points: { show: points, size: 5, fill: stroke } };
  }
  const fill = kind === "hatched" ? (plot) => hatch(plot.ctx, stroke, 6, colour("surface")) : stroke;
  return {
    scale,
    stroke,
    width: 0,
    fill,
    points: { show: false },
    // Bars that others cover are a hair narrower, or their edges would shine through.
    paths: uPlot.paths.bars({ size: [0.78, 48], align: 0, gap: covered ? 2 : 0 }),
  };
}

function isBar({ kind }) {
  return kind !== "line";
}

/** Slanted lines, so that an area is told from another without its colour. */
function hatch(context, ink, size, ground) {
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  if (ground) {
    pen.fillStyle = ground;
    pen.fillRect(0, 0, size, size);
  }
  pen.strokeStyle = ink;
  pen.lineWidth = ground ? 2.6 : 0.8;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/** The top of an axis: some air above the highest value, and never nothing. */
function nice(high) {
  return high > 0 ? high * 1.08 : 1;
}

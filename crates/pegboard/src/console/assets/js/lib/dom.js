// Building elements. Text from the hub goes in as text, never as markup: there is no innerHTML anywhere in the page, and the
// content security policy (Trusted Types) would stop one.

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = `${document.querySelector('meta[name="assets"]').content}icons/sprite.svg`;

/**
 * The element with this id, which the view must have.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the document has no element '${id}'`);
  return element;
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] those that are null, undefined or false are left out
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

/**
 * Sets text only where it differs, so that an update that changes nothing costs nothing and disturbs no selection.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Sets or removes an attribute, only where it differs.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * A picture of the sprite; decoration only, the words beside it say the same.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Changes the picture of an `icon`.
 * @param {Element} svg
 * @param {string} name
 */
export function setIcon(svg, name) {
  setAttribute(svg.firstElementChild, "href", `${SPRITE}#${name}`);
}

/**
 * Makes an element of SVG.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElement}
 */
export function makeSvg(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * Puts elements into a parent in this order, moving only those that are elsewhere and removing the rest.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  wanted.forEach((element, index) => {
    const present = parent.children[index];
    if (present !== element) parent.insertBefore(element, present ?? null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

/** @import { Tone } from './states.js' */

/*
 * How this page builds elements. What comes from outside (log lines, names, errors) gets in as text only: nothing in this page
 * parses markup.
 */

/** Control characters, and those that turn the direction of the text after them. */
const TRICKS = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/** Replaces what would change how the text around it is read. @param {string} text */
export function disarm(text) {
  return text.replace(TRICKS, '\ufffd');
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children A string becomes text.
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function create(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function createSvg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/**
 * @template {Element} Type
 * @param {Type} node
 * @param {Record<string, string> | undefined} attributes
 * @param {readonly (Node | string)[]} children
 */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children.map((child) => (typeof child === 'string' ? disarm(child) : child)));
  return node;
}

/** @param {string} text @param {string} label For those who hear it. @param {() => void} onClick */
export function createButton(text, label, onClick) {
  const node = create('button', { 'aria-label': label }, text);
  node.addEventListener('click', onClick);
  return node;
}

/**
 * An element of index.html.
 *
 * @template {HTMLElement} [Type=HTMLElement]
 * @param {string} id
 * @param {new () => Type} [type]
 * @returns {Type}
 */
export function get(id, type) {
  const node = document.getElementById(id);
  if (!(node instanceof (type ?? HTMLElement))) throw new Error(`the page has no such #${id}`);
  return /** @type {Type} */ (node);
}

/** Writes only a text that differs, because each write costs a layout. @param {Element} node @param {string} text */
export function setText(node, text) {
  const shown = disarm(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** @param {Element} node @param {string} name @param {string} value */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @param {Element} node @param {Tone} tone */
export function setTone(node, tone) {
  setAttribute(node, 'data-tone', tone);
}

/** @param {Element} node @param {string} text @param {Tone} tone */
export function setBadge(node, text, tone) {
  setText(node, text);
  setTone(node, tone);
}

/**
 * @template Item
 * @typedef {{ readonly root: HTMLElement; update(item: Item): void }} View
 */

/**
 * The children of an element, one for each item. A child is found again by its item's key and changed in place, so that focus,
 * selection and scroll positions survive.
 *
 * @template Item
 */
export class KeyedChildren {
  /** @type {Map<string | number, View<Item>>} */
  #views = new Map();

  /**
   * @param {HTMLElement} parent Empty, and nobody else's.
   * @param {(item: Item) => string | number} keyOf
   * @param {(item: Item) => View<Item>} make
   */
  constructor(parent, keyOf, make) {
    this.parent = parent;
    this.keyOf = keyOf;
    this.make = make;
  }

  /** @param {string | number} key */
  find(key) {
    return this.#views.get(key);
  }

  /** @param {readonly Item[]} items In the order of the children. */
  update(items) {
    const old = this.#views;
    /** @type {Map<string | number, View<Item>>} */
    const present = new Map();
    /** @type {ChildNode | null} */
    let next = this.parent.firstChild;
    for (const item of items) {
      const key = this.keyOf(item);
      const view = old.get(key) ?? this.make(item);
      old.delete(key);
      present.set(key, view);
      view.update(item);
      if (view.root === next) next = next.nextSibling;
      else this.parent.insertBefore(view.root, next);
    }
    for (const view of old.values()) view.root.remove();
    this.#views = present;
  }
}

/** Terms with their values. */
export class Facts {
  /** @param {readonly (readonly [term: string, hint?: string])[]} terms @param {string} [look] */
  constructor(terms, look = 'facts') {
    this.root = create('dl', { class: look });
    this.values = terms.map(([term, hint = term]) => {
      const value = create('dd');
      this.root.append(create('div', { title: hint }, create('dt', {}, term), value));
      return value;
    });
  }

  /** @param {...string} texts One for each term. */
  update(...texts) {
    for (const [index, value] of this.values.entries()) setText(value, texts[index] ?? '');
  }
}

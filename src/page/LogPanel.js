/** @import { ClusterStatus, LogLine } from '../core/contracts/AdminApi.js' */
import { create, get, setText } from './dom.js';
import { plural } from './format.js';

const MAX_LINES = 1_000;
/** A longer line is cut. The master's log has all of it. */
const MAX_CHARS = 8_000;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/**
 * The logs of one cluster, of the master or of all, as they come. The panel follows the newest line until somebody scrolls up.
 */
export class LogPanel {
  /** @type {{ line: LogLine; node: HTMLElement }[]} */
  #lines = [];
  #follows = true;
  #clusterCount = -1;
  /** @type {Element | null} */
  #opener = null;

  /** @param {(target: string | null) => void} subscribe Takes a cluster's id, `master` or `all`; null: none. */
  constructor(subscribe) {
    this.subscribe = subscribe;
    this.root = get('logs');
    this.target = get('logs-target', HTMLSelectElement);
    this.level = get('logs-level', HTMLSelectElement);
    this.filter = get('logs-filter', HTMLInputElement);
    this.state = get('logs-state');
    this.followButton = get('logs-follow');
    this.list = get('logs-lines');
    // It scrolls, so the keyboard must reach it.
    this.list.tabIndex = 0;
    this.target.addEventListener('change', () => this.#switchTo(this.target.value));
    this.level.addEventListener('change', () => this.#applyFilter());
    this.filter.addEventListener('input', () => this.#applyFilter());
    this.followButton.addEventListener('click', () => this.#setFollows(true));
    this.list.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.list;
      this.#setFollows(scrollHeight - scrollTop - clientHeight < 24);
    });
    get('logs-close').addEventListener('click', () => this.close());
    this.root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
    this.#fillTargets([]);
  }

  /** @param {readonly ClusterStatus[]} clusters */
  update(clusters) {
    if (clusters.length !== this.#clusterCount) this.#fillTargets(clusters);
  }

  /** @param {string} target */
  open(target) {
    this.#opener = document.activeElement;
    this.root.hidden = false;
    document.body.classList.add('with-logs');
    this.target.value = target;
    this.#switchTo(target);
    this.target.focus();
  }

  close() {
    if (this.root.hidden) return;
    this.root.hidden = true;
    document.body.classList.remove('with-logs');
    this.#clear();
    this.subscribe(null);
    if (this.#opener instanceof HTMLElement) this.#opener.focus();
  }

  /** @param {readonly LogLine[]} lines After a reconnection the first ones are here already. */
  append(lines) {
    if (this.root.hidden) return;
    const fresh = this.#unseen(lines);
    const added = fresh.map((line) => ({ line, node: makeLine(line) }));
    for (const { line, node } of added) node.hidden = !this.#matches(line);
    this.list.append(...added.map(({ node }) => node));
    this.#lines.push(...added);
    for (const { node } of this.#lines.splice(0, Math.max(0, this.#lines.length - MAX_LINES))) node.remove();
    this.#show();
  }

  /** @param {readonly LogLine[]} lines */
  #unseen(lines) {
    const last = this.#lines.at(-1)?.line;
    if (last === undefined) return lines;
    return lines.slice(1 + lines.findLastIndex((line) => line.time === last.time && line.text === last.text));
  }

  /** @param {string} target */
  #switchTo(target) {
    this.#clear();
    this.#setFollows(true);
    this.subscribe(target);
  }

  #clear() {
    this.#lines = [];
    this.list.replaceChildren();
    this.#show();
  }

  /** @param {boolean} follows */
  #setFollows(follows) {
    this.#follows = follows;
    this.#show();
  }

  #applyFilter() {
    for (const { line, node } of this.#lines) node.hidden = !this.#matches(line);
    this.#show();
  }

  /** @param {LogLine} line */
  #matches({ level, text }) {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.level.value)) return false;
    return text.toLowerCase().includes(this.filter.value.trim().toLowerCase());
  }

  #show() {
    const shown = this.#lines.filter(({ node }) => !node.hidden).length;
    const all = this.#lines.length;
    setText(this.state, shown === all ? plural(all, 'line') : `${shown} of ${plural(all, 'line')}`);
    this.followButton.hidden = this.#follows;
    if (this.#follows) this.list.scrollTop = this.list.scrollHeight;
  }

  /** @param {readonly ClusterStatus[]} clusters */
  #fillTargets(clusters) {
    this.#clusterCount = clusters.length;
    const chosen = this.target.value;
    this.target.replaceChildren(
      create('option', { value: 'all' }, 'all'),
      create('option', { value: 'master' }, 'master'),
      ...clusters.map(({ clusterId }) => create('option', { value: `${clusterId}` }, `cluster ${clusterId}`)),
    );
    if (chosen !== '') this.target.value = chosen;
    if (this.target.selectedIndex >= 0) return;
    // The master has fewer clusters now, and refuses logs of one that is gone.
    this.target.value = 'all';
    if (!this.root.hidden) this.#switchTo('all');
  }
}

/** The text has time, level and process in it already. @param {LogLine} line */
function makeLine({ level, text }) {
  const more = text.length - MAX_CHARS;
  const shown = more > 0 ? `${text.slice(0, MAX_CHARS)} … (${more} more characters)` : text;
  return create('div', { class: 'log', 'data-level': level }, shown);
}

/** @import { ClusterState, ClusterStatus, IdentifyStatus, LiveStatus } from '../core/contracts/AdminApi.js' */
/** @import { Page } from './page.js' */
/** @import { Tone } from './states.js' */
import { create, createButton, get, KeyedChildren, setBadge, setText, setTone } from './dom.js';
import { clock, duration, plural } from './format.js';

const SHOWN = 6;

/** A problem, with the cluster that has it. @typedef {{ key: string; tone: Tone; text: string; clusterId: number | null }} Concern */

/** The whole in one line, which is also the tab's title, and beneath it the problems with a way to the logs. */
export class Overview {
  /** @type {Map<number, ClusterState>} */
  #states = new Map();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.summary = get('summary');
    this.list = get('attention');
    /** @type {KeyedChildren<Concern>} */
    this.concerns = new KeyedChildren(
      this.list,
      ({ key }) => key,
      ({ clusterId }) => this.#makeConcern(clusterId),
    );
  }

  /** @param {LiveStatus} status */
  update(status) {
    this.#announceChanges(status.clusters);
    const concerns = findConcerns(status);
    const more = concerns.length - SHOWN;
    const shown = concerns.slice(0, SHOWN);
    if (more > 0) shown.push({ key: 'more', tone: 'bad', text: `And ${more} more.`, clusterId: null });
    this.list.hidden = shown.length === 0;
    this.concerns.update(shown);
  }

  /** Cheap enough for a tab that nobody sees. @param {string} text @param {Tone} tone */
  summarize(text, tone) {
    setBadge(this.summary, text, tone);
    document.title = `${tone === 'bad' ? '✕ ' : ''}${text} – Kallisti`;
  }

  /** @param {number | null} clusterId */
  #makeConcern(clusterId) {
    const text = create('span');
    const root = create('li', {}, text);
    if (clusterId !== null) {
      root.append(createButton('Logs', `Logs of cluster ${clusterId}`, () => this.page.logs.open(`${clusterId}`)));
    }
    return {
      root,
      update: (/** @type {Concern} */ concern) => {
        setText(text, concern.text);
        setTone(root, concern.tone);
      },
    };
  }

  /** @param {readonly ClusterStatus[]} clusters */
  #announceChanges(clusters) {
    const before = this.#states;
    this.#states = new Map(clusters.map(({ clusterId, state }) => [clusterId, state]));
    const changes = clusters.filter(
      ({ clusterId, state }) =>
        ['ready', 'crashed', 'failed'].includes(state) && (before.get(clusterId) ?? state) !== state,
    );
    const [first] = changes;
    if (first === undefined) return;
    const many = `${plural(changes.length, 'cluster')} changed.`;
    this.page.announce(changes.length > 1 ? many : `Cluster ${first.clusterId}: ${first.state}.`);
  }
}

/** @param {LiveStatus} status @returns {[text: string, tone: Tone]} */
export function summaryOf({ phase, clusters, totals, restart }) {
  if (phase === 'stopping') return ['Stopping', 'warn'];
  const down = clusters.filter(({ state }) => state === 'crashed' || state === 'failed').length;
  if (down > 0) return [`${down} of ${plural(clusters.length, 'cluster')} down`, 'bad'];
  if (phase === 'starting' || clusters.length === 0) return ['Starting', 'busy'];
  if (restart?.outcome === 'rolling') {
    const done = restart.clusters.filter(({ state }) => state === 'replaced').length;
    return [`Restarting, ${done} of ${restart.clusters.length}`, 'busy'];
  }
  if (totals.clustersReady < clusters.length) {
    return [`${totals.clustersReady} of ${clusters.length} ready`, 'busy'];
  }
  return [clusters.length === 1 ? 'Ready' : `All ${clusters.length} ready`, 'ok'];
}

/** @param {LiveStatus} status @returns {Concern[]} */
function findConcerns({ phase, clusters, identify, at }) {
  /** @type {Concern[]} */
  const concerns = [];
  const say = (/** @type {string} */ key, /** @type {Tone} */ tone, /** @type {string} */ text) =>
    concerns.push({ key, tone, text, clusterId: null });
  if (phase === 'stopping') say('stopping', 'warn', 'The master stops.');
  if (phase === 'starting') say('starting', 'busy', 'The master has no clusters yet: it waits for Discord.');
  if (identify?.heldUp != null) say('heldUp', 'warn', describeHeldUp(identify.heldUp));
  for (const cluster of clusters) {
    const { clusterId, state, problem, retryAt } = cluster;
    const down = state === 'crashed' || state === 'failed';
    if (!down && problem === null) continue;
    const why = problem ?? cluster.restarts.recent[0]?.reason ?? '';
    const next = retryAt === null ? '' : ` · next try in ${duration(Math.max(0, retryAt - at))}`;
    const text = `Cluster ${clusterId}${down ? ` ${state}` : ''}${why === '' ? '' : `: ${why}`}${next}`;
    concerns.push({ key: `cluster ${clusterId}`, tone: down ? 'bad' : 'warn', text, clusterId });
  }
  return concerns;
}

/** @param {NonNullable<IdentifyStatus['heldUp']>} heldUp */
function describeHeldUp({ until, shardIds }) {
  const who = `${plural(shardIds.length, 'shard')} ${shardIds.length === 1 ? 'waits' : 'wait'}`;
  return `${who}: the identify budget is spent${until === null ? '' : `, until ${clock(until)}`}.`;
}

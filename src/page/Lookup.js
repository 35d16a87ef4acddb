/** @import { ChannelSummary, GuildSummary, UserSummary } from '../core/contracts/ClusterContract.js' */
/** @import { Page } from './page.js' */
import { reasonOf, request } from './api.js';
import { create, createButton, Facts, get } from './dom.js';

/** @typedef {GuildSummary | UserSummary | ChannelSummary} Found */

/** The fields that are shown, in the order of the answer. */
const TERMS = new Map([
  ['name', 'Name'],
  ['username', 'Name'],
  ['memberCount', 'Members'],
  ['channelCount', 'Channels'],
  ['shardId', 'Shard'],
  ['ownerId', 'Owner'],
  ['guildId', 'Guild'],
  ['type', 'Type'],
  ['bot', 'Bot'],
]);

/** Finds a guild, a user or a channel by its id. */
export class Lookup {
  /** Counts searches, so that a late answer is not shown under another question. */
  #search = 0;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.kind = get('lookup-kind', HTMLSelectElement);
    this.id = get('lookup-id', HTMLInputElement);
    this.result = get('lookup-result');
    get('lookup', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#find(this.kind.value, this.id.value.trim());
    });
  }

  /** @param {string} kind @param {string} id */
  async #find(kind, id) {
    const search = ++this.#search;
    this.#say('Looking …', 'dim');
    try {
      const path = `/api/find/${kind}/${encodeURIComponent(id)}`;
      /** @type {Record<string, Found | null>} */
      const answer = await request('GET /api/find/guild/:id', { path });
      if (search === this.#search) this.#show(answer[kind] ?? null, kind);
    } catch (error) {
      if (search === this.#search) this.#say(reasonOf(error), 'error');
    }
  }

  /** @param {Found | null} found @param {string} kind */
  #show(found, kind) {
    if (found === null) return this.#say(`No cluster has a ${kind} with this id.`, 'dim');
    const known = Object.entries(found).filter(([name]) => TERMS.has(name));
    const facts = new Facts(
      known.map(([name]) => [TERMS.get(name) ?? name]),
      'facts wide',
    );
    facts.update(...known.map(([, value]) => String(value)));
    const text = `Go to cluster ${found.clusterId}`;
    const go = createButton(text, text, () => this.page.cards.show(found.clusterId));
    this.result.replaceChildren(facts.root, go);
  }

  /** @param {string} text @param {string} look */
  #say(text, look) {
    this.result.replaceChildren(create('p', { class: look }, text));
  }
}

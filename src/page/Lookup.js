/** @import { ChannelSummary, GuildSummary, UserSummary } from '../core/contracts/ClusterContract.js' */
/** @import { Page } from './page.js' */
import { request } from './api.js';
import { create, Facts, get } from './dom.js';

/** @typedef {GuildSummary | UserSummary | ChannelSummary} Found */

/** What is shown of what was found, in the master's order. */
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

/** Where a guild, a user or a channel is, by its id. */
export class Lookup {
  /** Counts searches: an answer that comes late is not shown under another question. */
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
      if (search === this.#search) this.#say(error instanceof Error ? error.message : String(error), 'error');
    }
  }

  /** @param {Found | null} found @param {string} kind */
  #show(found, kind) {
    if (found === null) return this.#say(`No cluster has a ${kind} with this id.`, 'dim');
    const list = create('dl', { class: 'facts wide' });
    const known = Object.entries(found).filter(([name]) => TERMS.has(name));
    const facts = new Facts(
      list,
      known.map(([name]) => [TERMS.get(name) ?? name]),
    );
    facts.update(...known.map(([, value]) => String(value)));
    const go = create('button', {}, `Go to cluster ${found.clusterId}`);
    go.addEventListener('click', () => this.page.cards.show(found.clusterId));
    this.result.replaceChildren(list, go);
  }

  /** @param {string} text @param {string} look */
  #say(text, look) {
    this.result.replaceChildren(create('p', { class: look }, text));
  }
}

/** @import { LiveStatus } from '../core/contracts/AdminApi.js' */
/** @import { Page } from './page.js' */
import { reasonOf, request } from './api.js';
import { get, setText } from './dom.js';
import { plural, whole } from './format.js';

/** Asks before it restarts. If the master refuses, the dialog stays open and says why. */
export class RestartDialog {
  /** @type {number | null} */
  #clusterId = null;
  /** @type {LiveStatus | undefined} */
  #status;
  #sending = false;
  /** Counts questions, so that a late answer leaves the next one alone. */
  #question = 0;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.dialog = get('confirm', HTMLDialogElement);
    this.title = get('confirm-title');
    this.text = get('confirm-text');
    this.budget = get('confirm-budget');
    this.error = get('confirm-error');
    this.go = get('confirm-go', HTMLButtonElement);
    get('confirm-cancel').addEventListener('click', () => this.dialog.close());
    this.go.addEventListener('click', () => void this.#restart());
    this.dialog.addEventListener('click', (event) => {
      // This is the backdrop: the content covers all of the dialog's box.
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  /** @param {LiveStatus} status */
  update(status) {
    this.#status = status;
    if (this.dialog.open) this.#render();
  }

  /** @param {number | null} clusterId Null: all of them. */
  ask(clusterId) {
    this.#question++;
    this.#clusterId = clusterId;
    this.error.hidden = true;
    this.#render();
    this.dialog.showModal();
    get('confirm-cancel').focus();
  }

  close() {
    this.dialog.close();
  }

  #render() {
    const count = this.#status?.clusters.length ?? 0;
    const one = this.#clusterId !== null;
    const rolling = this.#status?.restart?.outcome === 'rolling';
    setText(this.title, one ? `Restart cluster ${this.#clusterId}?` : `Restart all ${plural(count, 'cluster')}?`);
    setText(
      this.text,
      rolling
        ? 'A restart is under way. The next can begin when it has ended.'
        : 'A new process is prepared while the old one serves; then it takes its shards over.' +
            (one ? '' : ' One cluster after the other, until one fails.'),
    );
    setText(this.budget, this.#describeBudget());
    this.go.disabled = rolling || this.#sending;
  }

  #describeBudget() {
    const clusters = (this.#status?.clusters ?? []).filter(
      ({ clusterId }) => this.#clusterId === null || clusterId === this.#clusterId,
    );
    const shards = clusters.reduce((sum, cluster) => sum + cluster.shards.length, 0);
    const resumable = clusters.reduce((sum, cluster) => sum + (cluster.resumable ?? 0), 0);
    const left = this.#status?.identify?.remaining ?? null;
    return `${plural(shards, 'shard')}, of which ${resumable} can be resumed. IDENTIFYs left: ${whole(left)}.`;
  }

  async #restart() {
    const clusterId = this.#clusterId;
    const question = this.#question;
    this.#sending = true;
    this.#render();
    this.error.hidden = true;
    try {
      const body = clusterId === null ? {} : { clusterIds: [clusterId] };
      await request('POST /api/restart', { body });
      if (question === this.#question) this.dialog.close();
      this.page.announce(
        clusterId === null ? 'The restart has begun.' : `The restart of cluster ${clusterId} has begun.`,
      );
    } catch (error) {
      const reason = reasonOf(error);
      if (question !== this.#question) return this.page.announce(reason);
      setText(this.error, reason);
      this.error.hidden = false;
    } finally {
      this.#sending = false;
      this.#render();
    }
  }
}

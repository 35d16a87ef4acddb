/** @import { LiveStatus } from '../core/contracts/AdminApi.js' */
import { Facts, get, setText } from './dom.js';
import { bytes, duration, plainMs } from './format.js';

/** The master's own process. */
export class MasterPanel {
  constructor() {
    this.version = get('master-version');
    this.local = get('local');
    this.facts = new Facts([
      ['Uptime'],
      ['Memory', 'Resident memory'],
      ['Heap'],
      ['Loop lag ms', 'Event loop, over the last seconds: median / 99th percentile / maximum'],
    ]);
    get('master').append(this.facts.root);
  }

  /** @param {LiveStatus} status */
  update({ master }) {
    const { p50Ms, p99Ms, maxMs } = master.loopLag;
    const version = `${master.version} · Node.js ${master.nodeVersion} · pid ${master.pid}`;
    setText(this.version, `${version} · log level ${master.logLevel} · eval ${master.evalEnabled ? 'on' : 'off'}`);
    this.local.hidden = !master.localDiscord;
    this.facts.update(
      duration(master.uptimeMs),
      bytes(master.rssBytes),
      bytes(master.heapBytes),
      [p50Ms, p99Ms, maxMs].map(plainMs).join(' / '),
    );
  }
}

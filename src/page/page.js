/** @import { LiveStatus, RestartStatus } from '../core/contracts/AdminApi.js' */
/** @import { ConnectionState } from './Connection.js' */
import { request } from './api.js';
import { ClusterCards } from './ClusterCards.js';
import { Connection } from './Connection.js';
import { get, setText } from './dom.js';
import { duration } from './format.js';
import { IdentifyPanel } from './IdentifyPanel.js';
import { LoginForm } from './LoginForm.js';
import { LogPanel } from './LogPanel.js';
import { Lookup } from './Lookup.js';
import { MasterPanel } from './MasterPanel.js';
import { Overview, summaryOf } from './Overview.js';
import { RestartDialog } from './RestartDialog.js';
import { RestartPanel } from './RestartPanel.js';
import { ShardGrid } from './ShardGrid.js';
import { Totals } from './Totals.js';

const LOGIN_ENDED = 'Your login has ended. Log in again.';

/**
 * The status page: makes its parts, and gives them what the connection brings. A status is drawn with the browser's next frame, so
 * that a hidden tab draws nothing and a slow one only the newest.
 */
export class Page {
  /** @type {LiveStatus | null} */
  #status = null;
  #frameAsked = false;
  /** Why the page asks for the token; empty before the first login. */
  #reason = '';

  constructor() {
    this.app = get('app');
    this.login = get('login');
    this.actions = get('actions');
    this.banner = get('banner');
    this.dialog = new RestartDialog(this);
    this.overview = new Overview(this);
    this.restart = new RestartPanel(this);
    this.totals = new Totals();
    this.shards = new ShardGrid(this);
    this.identify = new IdentifyPanel();
    this.master = new MasterPanel();
    this.lookup = new Lookup(this);
    this.cards = new ClusterCards(this);
    this.logs = new LogPanel((target) => this.connection.follow(target));
    this.loginForm = new LoginForm(() => {
      this.#reason = LOGIN_ENDED;
      this.connection.start();
    });
    this.connection = new Connection({
      state: (state) => this.#onState(state),
      status: (status) => this.#onStatus(status),
      history: (history) => this.#onHistory(() => this.totals.replaceHistory(history)),
      sample: (sample) => this.#onHistory(() => this.totals.append(sample)),
      restart: (restart) => this.#onRestart(restart),
      logs: (lines) => this.logs.append(lines),
      stopping: () => this.announce('The master stops.'),
    });
    get('restart-all').addEventListener('click', () => this.dialog.ask(null));
    get('open-logs').addEventListener('click', () => this.logs.open('all'));
    get('log-out').addEventListener('click', () => void this.#logOut());
    get('retry').addEventListener('click', () => this.connection.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.connection.retryNow();
    });
  }

  start() {
    this.connection.start();
    setInterval(() => this.#showBanner(), 1_000);
  }

  /** Tells it to those who cannot see it. @param {string} text */
  announce(text) {
    setText(get('announcer'), text);
  }

  /** @param {ConnectionState} state */
  #onState(state) {
    this.#showBanner();
    if (state.kind === 'loggedOut') this.#showLogin();
    if (state.kind === 'lost') this.overview.summarize('Connection lost', 'bad');
    document.body.classList.toggle('stale', state.kind === 'lost');
  }

  #showBanner() {
    const { state } = this.connection;
    this.banner.hidden = state.kind !== 'lost';
    if (state.kind !== 'lost') return;
    const sinceMs = performance.now() - state.since;
    const next = state.retryAt === null ? null : Math.ceil((state.retryAt - performance.now()) / 1000);
    setText(
      get('banner-text'),
      `Connection to the master lost${sinceMs < 2_000 ? '' : ` ${duration(sinceMs)} ago`}. ${state.reason} ` +
        (next === null || next <= 0 ? 'Trying again …' : `Trying again in ${next} s.`),
    );
  }

  /** @param {LiveStatus} status */
  #onStatus(status) {
    this.#status = status;
    this.#reason = LOGIN_ENDED;
    this.overview.summarize(...summaryOf(status));
    this.#askFrame();
  }

  /** @param {RestartStatus} restart */
  #onRestart(restart) {
    if (this.#status === null) return;
    this.#onStatus({ ...this.#status, restart });
  }

  /** @param {() => void} change */
  #onHistory(change) {
    change();
    this.#askFrame();
  }

  #askFrame() {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    requestAnimationFrame(() => {
      this.#frameAsked = false;
      if (this.#status !== null) this.#draw(this.#status);
    });
  }

  /** @param {LiveStatus} status */
  #draw(status) {
    const fresh = !this.login.hidden;
    this.login.hidden = true;
    this.app.hidden = false;
    this.actions.hidden = false;
    // The form had the focus.
    if (fresh) get('app-title').focus();
    get('restart-all').hidden = status.clusters.length === 0;
    this.overview.update(status);
    this.restart.update(status.restart);
    this.totals.update(status);
    this.totals.draw();
    this.shards.update(status);
    this.identify.update(status);
    this.master.update(status);
    this.cards.update(status);
    this.logs.update(status.clusters);
    this.dialog.update(status);
  }

  #showLogin() {
    this.#status = null;
    this.app.hidden = true;
    this.actions.hidden = true;
    this.login.hidden = false;
    this.dialog.close();
    this.logs.close();
    this.overview.summarize('Logged out', 'none');
    this.loginForm.show(this.#reason);
  }

  async #logOut() {
    if (this.connection.state.kind === 'stopped') return;
    // A status that came now would say that the login goes on.
    this.connection.stop();
    this.#reason = 'You are logged out.';
    try {
      await request('POST /api/logout', { body: {} });
    } catch {
      // Then the login goes on, and the next answer shows it.
    }
    this.connection.start();
  }
}

new Page().start();

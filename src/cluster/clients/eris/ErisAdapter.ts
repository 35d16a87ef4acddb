import type { Client } from 'eris';
import type { ClientSetup } from '../ClientAdapter.js';
import { ErisLikeAdapter } from '../erisLike/ErisLikeAdapter.js';
import { createClient } from './createClient.js';
import type { ErisOptions } from './eris.js';

/** A stock eris client that gets its packets from the gateway. */
export class ErisAdapter extends ErisLikeAdapter<Client> {
  /** @throws Error where the installed eris does not fit; TypeError where the API's URL is none. */
  public constructor(setup: ClientSetup, options: ErisOptions = {}) {
    super(setup, createClient(setup, options));
  }
}

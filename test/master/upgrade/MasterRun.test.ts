import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { DiscordRefusedError } from '../../../src/core/errors.js';
import { MasterRun } from '../../../src/master/upgrade/MasterRun.js';
import { UPGRADE_EXIT_CODE } from '../../../src/master/upgrade/Succession.js';
import { ManualClock } from '../../support/ManualClock.js';
import { silentLogger } from '../../support/processes.js';
import { FakeSuccessor } from './FakeSuccessor.js';

/** Starts and stops when the test says so; by default at once. A stop makes a start under way fail, as the real one's does. */
class FakeMaster {
  public readonly refused: Promise<DiscordRefusedError>;
  public refuse: (error: DiscordRefusedError) => void = () => undefined;
  public readonly stops: boolean[] = [];
  #failStart: (error: Error) => void = () => undefined;

  public constructor(
    public readonly rollsAfterTakeOver: boolean,
    private readonly behaviour: Behaviour,
  ) {
    this.refused = new Promise((resolve) => {
      this.refuse = resolve;
    });
  }

  public start(): Promise<void> {
    return Promise.race([
      this.behaviour.start(),
      new Promise<never>((_resolve, reject) => {
        this.#failStart = reject;
      }),
    ]);
  }

  public stop({ keepClusters = false } = {}): Promise<void> {
    this.stops.push(keepClusters);
    this.#failStart(new Error('told to stop'));
    return this.behaviour.stop();
  }
}

interface Behaviour {
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

let behaviour: Behaviour;
let masters: FakeMaster[];
let successors: FakeSuccessor[];
let ends: unknown[];
let told: number;
let predecessorWaits: boolean;
let logger: ReturnType<typeof silentLogger>;
let run: MasterRun;

beforeEach(() => {
  behaviour = { start: () => Promise.resolve(), stop: () => Promise.resolve() };
  masters = [];
  successors = [];
  ends = [];
  told = 0;
  predecessorWaits = false;
  logger = silentLogger();
  run = new MasterRun({
    createMaster: ({ rollsAfterTakeOver }) => {
      const master = new FakeMaster(rollsAfterTakeOver, behaviour);
      masters.push(master);
      return master;
    },
    spawnSuccessor: () => {
      const successor = new FakeSuccessor();
      successors.push(successor);
      return successor;
    },
    predecessor: {
      get waits() {
        return predecessorWaits;
      },
      tellServing: () => void told++,
    },
    startTimeoutMs: 20_000,
    onEnd: (exitCode, error) => ends.push(error === undefined ? exitCode : [exitCode, error]),
    logger,
    clock: new ManualClock(),
  });
});

const stops = (): boolean[][] => masters.map((master) => master.stops);
const KEEPS = true;
const ENDS_THEM = false;

function last<Value>(values: readonly Value[]): Value {
  const value = values.at(-1);
  if (value === undefined) throw new Error('there is none');
  return value;
}

/** A promise that the test resolves. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

async function upgrade(): Promise<FakeSuccessor> {
  await run.start();
  run.upgrade();
  await nextTurn();
  return last(successors);
}

async function ask(act: () => void): Promise<void> {
  act();
  await nextTurn();
}

describe('a master', () => {
  it('serves, and is stopped in order once however many signals come', async () => {
    await run.start();
    expect(ends).toEqual([]);
    run.stop('SIGINT');
    await ask(() => run.stop('SIGTERM'));
    expect(stops()).toEqual([[ENDS_THEM]]);
    expect(ends).toEqual([0]);
    expect(logger.lines.filter((line) => line.includes('stopping'))).toHaveLength(1);
  });

  it('that does not start is stopped, and ends the process with the error', async () => {
    const error = new Error('no such folder');
    behaviour.start = () => Promise.reject(error);
    await run.start();
    expect(stops()).toEqual([[ENDS_THEM]]);
    expect(ends).toEqual([[1, error]]);
    expect(told).toBe(0);
  });

  it('that Discord refuses is stopped, and ends the process with the error', async () => {
    await run.start();
    const error = new DiscordRefusedError('wrong token');
    await ask(() => last(masters).refuse(error));
    expect(stops()).toEqual([[ENDS_THEM]]);
    expect(ends).toEqual([[1, error]]);
  });

  it('that is stopped while it starts ends the process with 0, before its start is over', async () => {
    behaviour.start = () => new Promise(() => undefined);
    let resolvedAfter: unknown;
    const started = run.start().then(() => {
      resolvedAfter = [...ends];
    });
    run.stop('SIGTERM');
    await started;
    expect(resolvedAfter).toEqual([0]);
    expect(told).toBe(0);
  });

  it('does not fail because of a refusal that comes while it stops', async () => {
    await run.start();
    const stopping = gate();
    behaviour.stop = () => stopping.opened;
    run.stop('SIGTERM');
    await ask(() => last(masters).refuse(new DiscordRefusedError('wrong token')));
    await ask(() => stopping.open());
    expect(ends).toEqual([0]);
  });

  it('is not upgraded while it stops', async () => {
    await run.start();
    const stopping = gate();
    behaviour.stop = () => stopping.opened;
    run.stop('SIGTERM');
    run.upgrade();
    await ask(() => stopping.open());
    expect(successors).toEqual([]);
    expect(ends).toEqual([0]);
  });
});

describe('an upgrade', () => {
  it('lets the clusters go, starts a successor, and ends as it ends', async () => {
    const successor = await upgrade();
    expect(stops()).toEqual([[KEEPS]]);
    await ask(() => successor.serve());
    expect(ends).toEqual([]);
    await ask(() => successor.exit(4));
    expect(ends).toEqual([4]);
    expect(masters).toHaveLength(1);
  });

  it('passes signals on to the successor', async () => {
    const successor = await upgrade();
    await ask(() => successor.serve());
    run.upgrade();
    run.stop('SIGHUP');
    expect(successor.signals).toEqual(['SIGUSR2', 'SIGHUP']);
  });

  it.each([
    ['exits', (successor: FakeSuccessor) => successor.exit(1), 'exited with code 1'],
    ['is killed', (successor: FakeSuccessor) => successor.dieOf('SIGKILL'), 'was killed by SIGKILL'],
    ['cannot be spawned', (successor: FakeSuccessor) => successor.failToSpawn('spawn ENOENT'), 'spawn ENOENT'],
  ])('whose successor %s comes back: the old one goes on, and rolls nothing', async (_how, fail, reason) => {
    const successor = await upgrade();
    await ask(() => fail(successor));
    expect(masters.map(({ rollsAfterTakeOver }) => rollsAfterTakeOver)).toEqual([false, false]);
    expect(stops()).toEqual([[KEEPS], []]);
    expect(ends).toEqual([]);
    expect(last(logger.lines)).toContain(`the new master did not start (${reason}); the old one goes on`);
  });

  it('may be tried again after one that failed', async () => {
    const successor = await upgrade();
    await ask(() => successor.exit(1));
    await ask(() => run.upgrade());
    await ask(() => last(successors).serve());
    await ask(() => last(successors).exit(0));
    expect(successors).toHaveLength(2);
    expect(ends).toEqual([0]);
  });

  it('ends with the error where the old one does not come back either', async () => {
    const successor = await upgrade();
    const error = new Error('the disk is full');
    behaviour.start = () => Promise.reject(error);
    await ask(() => successor.exit(1));
    expect(ends).toEqual([[1, error]]);
  });

  it('that is asked for again while the clusters are let go is one', async () => {
    await run.start();
    const lettingGo = gate();
    behaviour.stop = () => lettingGo.opened;
    run.upgrade();
    run.upgrade();
    await ask(() => lettingGo.open());
    await ask(() => last(successors).serve());
    expect(successors).toHaveLength(1);
    expect(last(successors).signals).toEqual([]);
  });

  it('that is asked for again while the successor starts waits for it', async () => {
    const successor = await upgrade();
    await ask(() => run.upgrade());
    expect(successor.signals).toEqual([]);
    await ask(() => successor.serve());
    expect(successor.signals).toEqual(['SIGUSR2']);
    expect(successors).toHaveLength(1);
  });

  it('of a master that starts still does not wait for that', async () => {
    behaviour.start = () => new Promise(() => undefined);
    void run.start();
    await ask(() => run.upgrade());
    expect(stops()).toEqual([[KEEPS]]);
    expect(successors).toHaveLength(1);
    expect(told).toBe(0);
  });
});

describe('a stop in the middle of an upgrade', () => {
  it('while the clusters are let go: nothing is started any more, the old one takes them back and ends them', async () => {
    await run.start();
    const lettingGo = gate();
    behaviour.stop = () => lettingGo.opened;
    run.upgrade();
    run.stop('SIGTERM');
    await ask(() => lettingGo.open());
    expect(successors).toEqual([]);
    expect(stops()).toEqual([[KEEPS], [ENDS_THEM]]);
    expect(ends).toEqual([0]);
  });

  it('while the clusters are let go by a master that was started by an upgrade: it ends them, and asks for no next one', async () => {
    predecessorWaits = true;
    await run.start();
    const lettingGo = gate();
    behaviour.stop = () => lettingGo.opened;
    run.upgrade();
    run.stop('SIGTERM');
    await ask(() => lettingGo.open());
    expect(stops()).toEqual([[KEEPS], [ENDS_THEM]]);
    expect(ends).toEqual([0]);
  });

  it('while the successor starts: it is told when it has ears', async () => {
    const successor = await upgrade();
    await ask(() => run.stop('SIGTERM'));
    expect(successor.signals).toEqual([]);
    await ask(() => successor.serve());
    expect(successor.signals).toEqual(['SIGTERM']);
    await ask(() => successor.exit(0));
    expect(ends).toEqual([0]);
  });

  it('while the successor starts, which fails then: the old one takes the clusters back and ends them', async () => {
    const successor = await upgrade();
    run.stop('SIGINT');
    await ask(() => successor.dieOf('SIGINT'));
    expect(stops()).toEqual([[KEEPS], [ENDS_THEM]]);
    expect(ends).toEqual([0]);
    expect(last(logger.lines)).toContain('its clusters are stopped');
  });

  it('does not wait for a start that waits, for Discord for example', async () => {
    const successor = await upgrade();
    behaviour.start = () => new Promise(() => undefined);
    run.stop('SIGTERM');
    await ask(() => successor.exit(1));
    expect(ends).toEqual([0]);
  });

  it('while the successor lets the clusters go for the next one: the old one takes them back and ends them', async () => {
    const successor = await upgrade();
    await ask(() => successor.serve());
    run.upgrade();
    run.stop('SIGTERM');
    await ask(() => successor.exit(UPGRADE_EXIT_CODE));
    expect(successors).toHaveLength(1);
    expect(stops()).toEqual([[KEEPS], [ENDS_THEM]]);
    expect(ends).toEqual([0]);
  });
});

describe('a master that was started by an upgrade', () => {
  beforeEach(() => {
    predecessorWaits = true;
  });

  it('rolls the clusters, and tells the one behind it when it serves', async () => {
    const starting = gate();
    behaviour.start = () => starting.opened;
    const started = run.start();
    await nextTurn();
    expect(told).toBe(0);
    starting.open();
    await started;
    expect(masters.map(({ rollsAfterTakeOver }) => rollsAfterTakeOver)).toEqual([true]);
    expect(told).toBe(1);
  });

  it('leaves the clusters to the one behind it where it does not start', async () => {
    const error = new Error('no such part');
    behaviour.start = () => Promise.reject(error);
    await run.start();
    expect(stops()).toEqual([[KEEPS]]);
    expect(ends).toEqual([[1, error]]);
    expect(told).toBe(0);
  });

  it('ends the clusters where it fails after it has served: the one behind it ends too', async () => {
    await run.start();
    const error = new DiscordRefusedError('wrong token');
    await ask(() => last(masters).refuse(error));
    expect(stops()).toEqual([[ENDS_THEM]]);
    expect(ends).toEqual([[1, error]]);
  });

  it('ends the clusters where it is stopped while it starts', async () => {
    behaviour.start = () => new Promise(() => undefined);
    void run.start();
    await ask(() => run.stop('SIGTERM'));
    expect(stops()).toEqual([[ENDS_THEM]]);
    expect(ends).toEqual([0]);
  });

  it('asks the one behind it for the next upgrade', async () => {
    await run.start();
    await ask(() => run.upgrade());
    expect(stops()).toEqual([[KEEPS]]);
    expect(successors).toEqual([]);
    expect(ends).toEqual([UPGRADE_EXIT_CODE]);
  });

  it('starts the next one itself where the one behind it was killed', async () => {
    await run.start();
    predecessorWaits = false;
    await ask(() => run.upgrade());
    expect(successors).toHaveLength(1);
    expect(ends).toEqual([]);
  });
});

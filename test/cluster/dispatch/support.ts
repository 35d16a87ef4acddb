import { Dispatch, type DispatchFacts, type DispatchOutcome } from '../../../src/cluster/dispatch/Dispatch.js';

/** A dispatch, with what it has told its shard. */
export function testDispatch(
  facts: Partial<DispatchFacts> = {},
  { known = {}, onChange = () => {} }: { known?: DispatchOutcome; onChange?: (dispatch: Dispatch) => void } = {},
): Dispatch {
  const mark = { enter: () => {}, leave: () => {} };
  const d = { id: '7', type: 2, application_id: '900' };
  return new Dispatch(
    { mark, steadyNow: () => 0, dispatchChanged: onChange },
    {
      ...{ shardId: 0, session: 'session', seq: 5, attempt: 1, deaths: 0, at: 0 },
      ...{ type: 'INTERACTION_CREATE', id: '7', text: JSON.stringify({ t: 'INTERACTION_CREATE', d }) },
      ...facts,
    },
    known,
  );
}

import { inspect, types } from 'node:util';

const MAX_ITEMS = 50;
const MAX_STRING_LENGTH = 1_000;
const MAX_CHARACTERS = 100_000;

const inspectTo = (value: unknown, depth: number) =>
  inspect(value, { depth, maxArrayLength: MAX_ITEMS, maxStringLength: MAX_STRING_LENGTH, breakLength: 100 });

/**
 * `util.inspect` for values of any size. Node bounds arrays, maps, sets and strings, but not the number of an object's keys or the
 * length of an error's stack. An object of a million entries would become a string of 25 MB in a process that has shards to
 * serve. So this estimates the size first, and shows a value that is too large less deeply, or by its first keys only.
 */
export function inspectBounded(value: unknown): string {
  for (const depth of [1, 0]) {
    if (estimate(value, depth, MAX_CHARACTERS) >= 0) return inspectTo(value, depth);
  }
  if (types.isNativeError(value)) return `[${value.name}: ${value.message.slice(0, MAX_STRING_LENGTH)}]`;
  const keys = Object.keys(value as object);
  const first = keys.slice(0, MAX_ITEMS).map((key): [string, string] => [key.slice(0, MAX_STRING_LENGTH), '…']);
  return `object with ${keys.length} keys, the first of them: ${inspectTo(Object.fromEntries(first), 0)}`;
}

/** @returns what is left of `budget` characters, below zero where the value takes more. Looks at no more than it must. */
function estimate(value: unknown, depth: number, budget: number): number {
  if (typeof value === 'string') return budget - Math.min(value.length, MAX_STRING_LENGTH);
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return budget - 20;
  let left = budget - 20;
  if (types.isNativeError(value)) left -= (value.stack ?? value.message).length;
  for (const item of items(value)) {
    if (left < 0) return left;
    left = depth < 0 ? left : estimate(item, depth - 1, left);
  }
  if (depth < 0 || Array.isArray(value) || ArrayBuffer.isView(value)) return left;
  for (const key of Object.keys(value)) {
    left -= key.length + 4;
    if (left < 0) return left;
    // Not `value[key]`: that would run a getter, which inspect shows without running.
    left = estimate(Object.getOwnPropertyDescriptor(value, key)?.value, depth - 1, left);
  }
  return left;
}

function* items(value: object): Generator<unknown> {
  if (Array.isArray(value)) {
    yield* value.slice(0, MAX_ITEMS);
  } else if (types.isMap(value) || types.isSet(value)) {
    let shown = 0;
    for (const item of value.values()) {
      if (shown++ === MAX_ITEMS) return;
      yield item;
    }
  }
}

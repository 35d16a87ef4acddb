import { invalidJson } from './DiscordApiError.js';

export interface ParsedBody {
  json: unknown;
  files: number;
}

/** Reads a multipart body as libraries send it: `payload_json` and files. It only counts the files. */
export function parseMultipart(body: Buffer, contentType: string): ParsedBody {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2]?.trim();
  if (name === undefined) throw invalidJson();
  const separator = Buffer.from(`--${name}`);
  let json: unknown = {};
  let files = 0;
  let at = body.indexOf(separator);
  while (at !== -1) {
    const next = body.indexOf(separator, at + separator.length);
    if (next === -1) break;
    const part = body.subarray(at + separator.length, next);
    at = next;
    const headEnd = part.indexOf('\r\n\r\n');
    if (headEnd === -1) continue;
    const head = part.subarray(0, headEnd).toString('latin1');
    if (/name="payload_json"/i.test(head)) json = parseJson(part.subarray(headEnd + 4).toString('utf8'));
    else if (/filename\*?=/i.test(head)) files++;
  }
  return { json, files };
}

/** Throws what Discord answers to a body that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidJson();
  }
}

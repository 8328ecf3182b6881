/** One event of the server's stream. */
export interface StreamEvent {
  id: string | null;
  name: string;
  data: string | null;
  published_at: string;
  coreid: string;
  userid?: string;
  version?: number;
  productID?: number;
}

export type StreamState = "connecting" | "live" | "waiting";

/** Splits a stream into its messages; keeps what is not whole yet. Spec: HTML, server-sent events. */
export class MessageSplitter {
  #rest = "";

  /** The messages that are whole now, each as its fields. */
  push(text: string): Record<string, string>[] {
    const blocks = (this.#rest + text).split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    return blocks.map(fieldsOf).filter((fields) => fields.data !== undefined);
  }
}

function fieldsOf(block: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    fields[name] = fields[name] === undefined ? value : `${fields[name]}\n${value}`;
  }
  return fields;
}

/** An event from the fields of a message; null when its data is not an event's. */
export function eventOf(fields: Record<string, string>): StreamEvent | null {
  try {
    const body = JSON.parse(fields.data ?? "") as Record<string, unknown>;
    return {
      id: fields.id ?? null,
      name: fields.event ?? "",
      data: typeof body.data === "string" || body.data === null ? body.data : JSON.stringify(body.data),
      published_at: String(body.published_at ?? ""),
      coreid: String(body.coreid ?? ""),
      ...(typeof body.userid === "string" ? { userid: body.userid } : {}),
      ...(typeof body.version === "number" ? { version: body.version } : {}),
      ...(typeof body.productID === "number" ? { productID: body.productID } : {}),
    };
  } catch {
    return null;
  }
}

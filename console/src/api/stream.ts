/** One event of the server's stream. */
export interface StreamEvent {
  id: string | null;
  name: string;
  data: string | null;
  published_at: string;
  coreid: string;
  version?: number;
  productID?: number;
}

export type StreamState = "connecting" | "live" | "waiting";

interface Reader {
  onEvent: (event: StreamEvent) => void;
  onState: (state: StreamState) => void;
}

const RETRY_MS = 2000;
const SILENCE_MS = 20_000;

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
      ...(typeof body.version === "number" ? { version: body.version } : {}),
      ...(typeof body.productID === "number" ? { productID: body.productID } : {}),
    };
  } catch {
    return null;
  }
}

/** Follows an event stream until it is closed; comes back by itself where it was cut. */
class Following {
  readonly #abort = new AbortController();
  readonly readers = new Set<Reader>();
  state: StreamState = "connecting";
  #lastId: string | null = null;

  constructor(readonly path: string) {
    void this.#run();
  }

  close(): void {
    this.#abort.abort();
  }

  #tell(state: StreamState): void {
    this.state = state;
    for (const reader of this.readers) reader.onState(state);
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#read();
      } catch {
        // Whatever cut it, it is tried again below.
      }
      if (this.#abort.signal.aborted) return;
      this.#tell("waiting");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(): Promise<void> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.#abort.signal.addEventListener("abort", stop);
    let silence = setTimeout(stop, SILENCE_MS);
    try {
      const headers: Record<string, string> = this.#lastId ? { "last-event-id": this.#lastId } : {};
      const response = await fetch(this.path, { headers, signal: attempt.signal });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      this.#tell("live");
      const splitter = new MessageSplitter();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS);
        for (const fields of splitter.push(value)) this.#hear(fields);
      }
    } finally {
      clearTimeout(silence);
      this.#abort.signal.removeEventListener("abort", stop);
    }
  }

  #hear(fields: Record<string, string>): void {
    const event = eventOf(fields);
    if (!event) return;
    this.#lastId = event.id ?? this.#lastId;
    for (const reader of this.readers) reader.onEvent(event);
  }
}

const open = new Map<string, Following>();

/** Follows the stream at this path; readers of one path share one connection. Gives the way to stop. */
export function follow(path: string, reader: Reader): () => void {
  const following = open.get(path) ?? new Following(path);
  open.set(path, following);
  following.readers.add(reader);
  reader.onState(following.state);
  return () => {
    following.readers.delete(reader);
    if (following.readers.size > 0) return;
    // The next page may want the same stream at once.
    setTimeout(() => {
      if (following.readers.size > 0) return;
      following.close();
      open.delete(path);
    }, 500);
  };
}

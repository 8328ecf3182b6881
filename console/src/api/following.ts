import { eventOf, MessageSplitter, type StreamEvent, type StreamState } from "./stream";

const RETRY_MS = 2000;

/** Longest silence; the server says something every nine seconds. */
const SILENCE_MS = 20_000;

/** Reads one event stream until it is closed; comes back by itself where it was cut. */
export class Following {
  readonly #abort = new AbortController();
  #lastId: string | null;

  constructor(
    readonly path: string,
    lastId: string | null,
    readonly onEvent: (event: StreamEvent) => void,
    readonly onState: (state: StreamState) => void,
  ) {
    this.#lastId = lastId;
    void this.#run();
  }

  /** Id of the last event that came. */
  get lastId(): string | null {
    return this.#lastId;
  }

  close(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#read();
      } catch {
        // Whatever cut it, it is tried again below.
      }
      if (signal.aborted) return;
      this.onState("waiting");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(): Promise<void> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.#abort.signal.addEventListener("abort", stop);
    // The system knows sooner than the silence tells.
    addEventListener("offline", stop);
    let silence = setTimeout(stop, SILENCE_MS);
    try {
      const headers: Record<string, string> = this.#lastId ? { "last-event-id": this.#lastId } : {};
      const response = await fetch(this.path, { headers, signal: attempt.signal });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      this.onState("live");
      const splitter = new MessageSplitter();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#abort.signal.aborted) return;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS);
        for (const fields of splitter.push(value)) this.#hear(fields);
      }
    } finally {
      clearTimeout(silence);
      this.#abort.signal.removeEventListener("abort", stop);
      removeEventListener("offline", stop);
    }
  }

  #hear(fields: Record<string, string>): void {
    this.#lastId = fields.id ?? this.#lastId;
    const event = eventOf(fields);
    if (event) this.onEvent(event);
  }
}

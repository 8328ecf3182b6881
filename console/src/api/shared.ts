import { type EventFilter, filterOf, keyOf } from "./filters";
import { Following } from "./following";
import type { StreamEvent, StreamState } from "./stream";

/** One connection for all tabs of this browser.
 *
 * The tab that holds the lock is the leader: it gathers what all tabs want, reads one stream and
 * hands events and state to the others. When it closes, another gets the lock. Where a browser has
 * no locks (a page without encryption from another machine), each tab is its own leader.
 */

type Message =
  | { kind: "wants"; tab: string; keys: string[] }
  | { kind: "gone"; tab: string }
  | { kind: "say" }
  | { kind: "event"; event: StreamEvent }
  | { kind: "state"; state: StreamState };

interface Reader {
  key: string;
  onEvent: (event: StreamEvent) => void;
  onState: (state: StreamState) => void;
}

const CHANNEL = "roadstead.stream";

/** Pages come and go together; one change of the stream serves them all. */
const SETTLE_MS = 150;

class SharedStream {
  readonly #tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
  readonly #readers = new Set<Reader>();
  readonly #wanted = new Map<string, string[]>();
  readonly #channel = new BroadcastChannel(CHANNEL);
  #state: StreamState = "connecting";
  #leading = false;
  #following: Following | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data);
    addEventListener("pagehide", () => this.#post({ kind: "gone", tab: this.#tab }));
    if ("locks" in navigator) void navigator.locks.request(CHANNEL, () => this.#lead());
    else void this.#lead();
  }

  /** Follows what the filter lets through; gives the way to stop. */
  follow(filter: EventFilter, onEvent: Reader["onEvent"], onState: Reader["onState"]): () => void {
    const reader: Reader = { key: keyOf(filter), onEvent, onState };
    this.#readers.add(reader);
    onState(this.#state);
    this.#sayWants();
    return () => {
      this.#readers.delete(reader);
      this.#sayWants();
    };
  }

  #lead(): Promise<never> {
    this.#leading = true;
    this.#post({ kind: "say" });
    this.#sayWants();
    // The lock is held for as long as this tab lives.
    return new Promise(() => {});
  }

  #post(message: Message): void {
    this.#channel.postMessage(message);
  }

  #sayWants(): void {
    const keys = [...new Set([...this.#readers].map((one) => one.key))];
    if (this.#leading) this.#want(this.#tab, keys);
    else this.#post({ kind: "wants", tab: this.#tab, keys });
  }

  #receive(message: Message): void {
    if (message.kind === "event") this.#tellEvent(message.event);
    else if (message.kind === "state") this.#tellState(message.state);
    else if (message.kind === "say") this.#sayWants();
    else if (this.#leading && message.kind === "wants") this.#want(message.tab, message.keys);
    else if (this.#leading && message.kind === "gone") this.#want(message.tab, []);
  }

  #want(tab: string, keys: string[]): void {
    if (keys.length > 0) this.#wanted.set(tab, keys);
    else this.#wanted.delete(tab);
    this.#post({ kind: "state", state: this.#state });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reopen(), SETTLE_MS);
  }

  #reopen(): void {
    const keys = [...new Set([...this.#wanted.values()].flat())].toSorted();
    const path = keys.length > 0 ? `/v1/event_stream?filters=${encodeURIComponent(JSON.stringify(keys.map(filterOf)))}` : null;
    if (path === (this.#following?.path ?? null)) return;
    // Going on from the last event, so that nothing is missed while the filters change.
    const lastId = this.#following?.lastId ?? null;
    this.#following?.close();
    this.#following = null;
    if (path === null) return;
    this.#following = new Following(
      path,
      lastId,
      (event) => {
        this.#post({ kind: "event", event });
        this.#tellEvent(event);
      },
      (state) => {
        this.#post({ kind: "state", state });
        this.#tellState(state);
      },
    );
  }

  #tellEvent(event: StreamEvent): void {
    for (const reader of this.#readers) reader.onEvent(event);
  }

  #tellState(state: StreamState): void {
    this.#state = state;
    for (const reader of this.#readers) reader.onState(state);
  }
}

let shared: SharedStream | null = null;

/** Follows what the filter lets through, over the one connection of this browser. */
export function follow(filter: EventFilter, onEvent: Reader["onEvent"], onState: Reader["onState"]): () => void {
  shared ??= new SharedStream();
  return shared.follow(filter, onEvent, onState);
}

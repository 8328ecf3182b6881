import { useCallback, useRef, useState } from "react";
import type { EventFilter } from "../../api/filters";
import { useStream } from "../../api/live";
import type { StreamEvent, StreamState } from "../../api/stream";
import { Button } from "../Button";
import { StatusMark } from "../Marks";
import { Clock } from "../Time";

const KEPT = 200;

/** What a stream says now, newest first; it can be held while one reads. */
export function LiveEvents({ filter, productId = null }: { filter: EventFilter; productId?: number | null }) {
  const [shown, setShown] = useState<(StreamEvent & { key: number })[]>([]);
  const [paused, setPaused] = useState(false);
  const waiting = useRef<(StreamEvent & { key: number })[]>([]);
  const [waitingCount, setWaitingCount] = useState(0);
  const number = useRef(0);
  const onEvent = useCallback(
    (event: StreamEvent) => {
      number.current += 1;
      const kept = { ...event, key: number.current };
      if (!paused) {
        setShown((before) => [kept, ...before].slice(0, KEPT));
        return;
      }
      waiting.current = [kept, ...waiting.current].slice(0, KEPT);
      setWaitingCount((count) => count + 1);
    },
    [paused],
  );
  const state = useStream(filter, onEvent, productId);
  const resume = () => {
    setShown((before) => [...waiting.current, ...before].slice(0, KEPT));
    waiting.current = [];
    setWaitingCount(0);
    setPaused(false);
  };
  return (
    <div className="stack tight">
      <div className="row">
        <LiveMark state={state} paused={paused} />
        <span className="grow" />
        {paused ? <Button small kind="primary" onClick={resume}>{waitingCount > 0 ? `Show ${waitingCount} new` : "Go on"}</Button> : <Button small onClick={() => setPaused(true)}>Pause</Button>}
        <Button small onClick={() => setShown([])}>Clear</Button>
      </div>
      {shown.length === 0 ? <p className="quiet">Nothing was said since this page was opened.</p> : (
        <ul className="feed">
          {shown.map((event) => (
            <li key={event.key}>
              <Clock at={event.published_at} />
              <span className="wrap-any"><strong>{event.name}</strong> <span className="quiet mono">{event.coreid}</span></span>
              <code className="wrap-any">{event.data ?? ""}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Whether the stream is read right now. */
export function LiveMark({ state, paused = false }: { state: StreamState; paused?: boolean }) {
  if (paused) return <StatusMark tone="idle">paused</StatusMark>;
  if (state === "live") return <StatusMark tone="good">live</StatusMark>;
  return <StatusMark tone="work">{state === "connecting" ? "connecting" : "reconnecting"}</StatusMark>;
}

import { useEffect, useRef, useState } from "react";
import { useOwnId } from "../state/session";
import { type EventFilter, filterOf, isWanted, keyOf } from "./filters";
import { follow } from "./shared";
import type { StreamEvent, StreamState } from "./stream";

/** Calls back for each event that the filter lets through while the component is shown.
 *
 * @param filter what to hear of; null for nothing yet.
 * @param productId number of the product that the filter names.
 * @returns the state of the stream.
 */
export function useStream(filter: EventFilter | null, onEvent: (event: StreamEvent) => void, productId: number | null = null): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const ownId = useOwnId();
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  const key = filter === null ? null : keyOf(filter);
  useEffect(() => {
    if (key === null || ownId === undefined) return undefined;
    const wanted = filterOf(key);
    const hear = (event: StreamEvent) => {
      if (isWanted(event, wanted, ownId, productId)) latest.current(event);
    };
    return follow(wanted, hear, setState);
  }, [key, ownId, productId]);
  return state;
}

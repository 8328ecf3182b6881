import { useEffect, useRef, useState } from "react";
import { follow, type StreamEvent, type StreamState } from "./stream";

/** Calls back for each event of the stream while the component is shown; gives the stream's state. */
export function useStream(path: string | null, onEvent: (event: StreamEvent) => void): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  useEffect(() => {
    if (path === null) return undefined;
    return follow(path, { onEvent: (event) => latest.current(event), onState: setState });
  }, [path]);
  return state;
}

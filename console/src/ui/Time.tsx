import { useEffect, useState } from "react";
import { formatAbsolute, formatAge, useZone } from "../state/time";

/** A moment as its age; the whole of it on hover and focus. */
export function TimeAgo({ at, none = "never" }: { at: string | null | undefined; none?: string }) {
  const [now, setNow] = useState(Date.now);
  const zone = useZone();
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="quiet">{none}</span>;
  return <time dateTime={at} title={formatAbsolute(at, zone)}>{formatAge(now - Date.parse(at))}</time>;
}

/** A moment with its milliseconds, for logs. */
export function Moment({ at }: { at: string | null | undefined }) {
  const zone = useZone();
  if (!at) return <span className="quiet">–</span>;
  return <time dateTime={at} className="mono" title={at}>{formatAbsolute(at, zone)}</time>;
}

/** The time of the day alone, for logs of now; the whole of it on hover. */
export function Clock({ at }: { at: string }) {
  const zone = useZone();
  const whole = formatAbsolute(at, zone);
  return <time dateTime={at} className="mono" title={whole}>{whole.slice(11, 23)}</time>;
}

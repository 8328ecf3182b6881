import type { Tone } from "./Marks";

export interface Share {
  label: string;
  count: number;
  tone: Tone;
}

/** Counted progress: a bar in the order given, and the counts in words. */
export function Stacked({ label, shares }: { label: string; shares: Share[] }) {
  const total = shares.reduce((sum, one) => sum + one.count, 0);
  const words = shares.map((one) => `${one.count.toLocaleString()} ${one.label}`).join(", ");
  return (
    <figure className="stack tight">
      <div className="stacked" role="img" aria-label={`${label}: ${words}`}>
        {shares.map((one) => one.count > 0 && <i key={one.label} className={`fill-${one.tone}`} style={{ width: `${(100 * one.count) / total}%` }} />)}
      </div>
      <figcaption className="legend">
        {shares.map((one) => <span key={one.label}><i className={`fill-${one.tone}`} />{one.count.toLocaleString()} {one.label}</span>)}
      </figcaption>
    </figure>
  );
}

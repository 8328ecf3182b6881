import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { IconButton } from "./Button";

export type Tone = "good" | "idle" | "work" | "look" | "bad";

const SHAPES: Record<Tone, ReactNode> = {
  good: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  idle: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />,
  work: <rect x="1.5" y="1.5" width="9" height="9" rx="1" fill="currentColor" />,
  look: <path d="M6 .8 11.6 11H.4Z" fill="currentColor" />,
  bad: <path d="M3.5.5h5l3 3v5l-3 3h-5l-3-3v-5Z" fill="currentColor" />,
};

/** A state by shape, colour and word. */
export function StatusMark({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`mark ${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">{SHAPES[tone]}</svg>
      <span>{children}</span>
    </span>
  );
}

/** A short label. */
export function Chip({ tone, children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`chip ${tone ?? ""}`}>{children}</span>;
}

/** Whether a device is connected. */
export function Connection({ online, heard }: { online: boolean; heard: string | null | undefined }) {
  if (online) return <StatusMark tone="good">online</StatusMark>;
  return <StatusMark tone="idle">{heard ? "offline" : "never seen"}</StatusMark>;
}

/** Text that people copy, such as an id. */
export function Copyable({ text, shown, what }: { text: string; shown?: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <span className="copyable">
      <span className="mono wrap-any">{shown ?? text}</span>
      <IconButton label={copied ? "Copied" : `Copy ${what}`} onClick={() => void copy()}>
        {copied ? <Check aria-hidden="true" size={14} /> : <Copy aria-hidden="true" size={14} />}
      </IconButton>
    </span>
  );
}

/** An id shortened in its middle. */
export function shorten(id: string): string {
  return id.length > 14 ? `${id.slice(0, 6)}…${id.slice(-6)}` : id;
}

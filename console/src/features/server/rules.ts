import type { Tone } from "../../ui/Marks";

const DAY_MS = 86_400_000;

export interface Verdict {
  tone: Tone;
  text: string;
}

/** Whether the last backup is young enough. */
export function backupVerdict(at: string | null, now: number): Verdict {
  if (at === null) return { tone: "look", text: "never" };
  const days = (now - Date.parse(at)) / DAY_MS;
  return days > 7 ? { tone: "look", text: "older than a week" } : { tone: "good", text: "this week" };
}

/** Whether a certificate ends soon. */
export function certificateVerdict(endsAt: string, now: number): Verdict {
  const days = Math.floor((Date.parse(endsAt) - now) / DAY_MS);
  if (days < 0) return { tone: "bad", text: "has ended" };
  return days < 21 ? { tone: "look", text: `${days} days left` } : { tone: "good", text: `${days} days left` };
}

/** Whether there is room on the disk. Below a gigabyte events of some days may fill it. */
export function diskVerdict(free: number, total: number): Verdict {
  const share = `${Math.round((100 * free) / Math.max(1, total))} % free`;
  if (free < 100 * 1024 ** 2) return { tone: "bad", text: share };
  return { tone: free < 1024 ** 3 ? "look" : "good", text: share };
}

/** Whether a queue is far from its limit. */
export function queueVerdict(waiting: number, limit: number | null): Verdict {
  if (limit !== null && waiting >= limit) return { tone: "bad", text: "full" };
  if (limit !== null && waiting > limit / 2) return { tone: "look", text: "more than half full" };
  return waiting > 0 ? { tone: "work", text: "working" } : { tone: "good", text: "empty" };
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes in the largest unit that leaves a whole digit. */
export function formatSize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power] ?? "B"}`;
}

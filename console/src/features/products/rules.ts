import type { Tone } from "../../ui/Marks";
import type { Share } from "../../ui/Progress";

const SHOWN = 4;
const TONES: Tone[] = ["good", "work", "look", "bad"];

interface Counted {
  version: number;
  device_count: number;
}

/** Devices by the version that they run: the four most common ones, the others, those without. */
export function runningShares(versions: Counted[], devices: number): Share[] {
  const run = versions.filter((one) => one.device_count > 0).toSorted((a, b) => b.device_count - a.device_count);
  const shares = run.slice(0, SHOWN).map((one, place): Share => ({ label: `run version ${one.version}`, count: one.device_count, tone: TONES[place] ?? "idle" }));
  const others = run.slice(SHOWN).reduce((sum, one) => sum + one.device_count, 0);
  const known = run.reduce((sum, one) => sum + one.device_count, 0);
  const none = Math.max(0, devices - known);
  return [
    ...shares,
    ...(others > 0 ? [{ label: "run another version", count: others, tone: "idle" as Tone }] : []),
    ...(none > 0 || run.length === 0 ? [{ label: "run no version of this product", count: none, tone: "idle" as Tone }] : []),
  ];
}

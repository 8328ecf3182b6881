import type { Series } from "../../ui/Chart";
import type { Tone } from "../../ui/Marks";
import type { Share } from "../../ui/Progress";

export interface Point {
  time: string;
  counts: Record<string, number>;
}

export interface Verdict {
  tone: Tone;
  text: string;
  /** When most of the change happened; null when there is none to speak of. */
  since: string | null;
}

export const STATES = ["healthy", "warning", "unhealthy", "unknown"] as const;

/** Tones of the states, the same on every page. */
export const TONES: Record<string, Tone> = { healthy: "good", warning: "look", unhealthy: "bad", unknown: "idle" };

const NEWS = 0.02;

/** Shares of a fleet by its states, in one order. */
export function stateShares(states: Record<string, number>): Share[] {
  return STATES.map((state) => ({ label: state, count: states[state] ?? 0, tone: TONES[state] ?? "idle" }));
}

/** Share of devices that are not well, of those that are known. */
export function troubled(states: Record<string, number>): number | null {
  const bad = (states["warning"] ?? 0) + (states["unhealthy"] ?? 0);
  const known = bad + (states["healthy"] ?? 0);
  return known === 0 ? null : bad / known;
}

/** Is it getting better or worse, and since when? Two per cent of the fleet are news. */
export function verdictOf(points: Point[]): Verdict {
  const known = points.flatMap((one) => {
    const share = troubled(one.counts);
    return share === null ? [] : [{ time: one.time, share }];
  });
  const first = known[0];
  const last = known.at(-1);
  if (!first || !last) return { tone: "idle", text: "No device has told how it is yet.", since: null };
  const change = last.share - first.share;
  const now = `${percent(last.share)} of the devices are in trouble`;
  if (Math.abs(change) < NEWS) return { tone: last.share === 0 ? "good" : "look", text: `As before: ${now}.`, since: null };
  let since = last.time;
  let most = 0;
  for (let place = 1; place < known.length; place += 1) {
    const step = ((known[place]?.share ?? 0) - (known[place - 1]?.share ?? 0)) * Math.sign(change);
    if (step > most) {
      most = step;
      since = known[place]?.time ?? since;
    }
  }
  return change > 0
    ? { tone: "bad", text: `Getting worse: ${now}, up from ${percent(first.share)}.`, since }
    : { tone: "good", text: `Getting better: ${now}, down from ${percent(first.share)}.`, since };
}

/** A share in per cent; less than one is said as such. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "under 1 %";
  return `${Math.round(share * 100)} %`;
}

/** Lines of a chart: the labels that count most, at most five; the others are summed.
 *
 * @param gaps a point without any count says that nothing was known, not that there was none.
 */
export function seriesOf(points: Point[], name: (label: string) => string, order?: readonly string[], gaps = false): { times: number[]; series: Series[] } {
  const totals = new Map<string, number>();
  for (const { counts } of points) for (const [label, count] of Object.entries(counts)) totals.set(label, (totals.get(label) ?? 0) + count);
  if (totals.size === 0) return { times: [], series: [] };
  const labels = order ? order.filter((one) => totals.has(one)) : [...totals.keys()].toSorted((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0));
  const shown = labels.length > 5 ? labels.slice(0, 4) : labels;
  const rest = labels.slice(shown.length);
  const lineOf = (label: string, summed: string[]): Series => ({
    label,
    values: points.map((one) => (gaps && Object.keys(one.counts).length === 0 ? null : summed.reduce((sum, each) => sum + (one.counts[each] ?? 0), 0))),
  });
  const series = shown.map((label) => lineOf(name(label), [label]));
  if (rest.length > 0) series.push(lineOf("others", rest));
  return { times: points.map((one) => Date.parse(one.time) / 1000), series };
}

const DURATIONS: Record<string, string> = {
  under_1m: "under 1 minute",
  under_10m: "1 to 10 minutes",
  under_1h: "10 minutes to 1 hour",
  under_6h: "1 to 6 hours",
  under_1d: "6 hours to 1 day",
  over_1d: "over 1 day",
};

/** All points of a trend as one: how long sessions or absences were. */
export function durationShares(points: Point[]): { label: string; count: number }[] {
  return Object.entries(DURATIONS).map(([word, label]) => ({ label, count: points.reduce((sum, one) => sum + (one.counts[word] ?? 0), 0) }));
}

/** Ten bars of a distribution, from its tens of per cent. */
export function tens(counts: Record<string, number>): { label: string; count: number }[] {
  return Array.from({ length: 10 }, (_, place) => ({ label: `${place * 10}–${place * 10 + 10} %`, count: counts[String(place * 10)] ?? 0 }));
}

/** How many of the updates to a version succeeded; null when none has ended. */
export function successOf(updates: Record<string, number>): string {
  const good = updates["succeeded"] ?? 0;
  const ended = good + (updates["failed"] ?? 0);
  return ended === 0 ? "–" : `${percent(good / ended)} of ${ended.toLocaleString()}`;
}

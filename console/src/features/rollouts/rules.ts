import type { Tone } from "../../ui/Marks";
import type { Share } from "../../ui/Progress";

const STATES: Record<string, [Tone, string]> = {
  preparing: ["work", "preparing"],
  awaiting_approval: ["look", "waits for approval"],
  queued: ["idle", "waits for another rollout"],
  running: ["work", "running"],
  paused_by_gate: ["look", "paused by the gate"],
  paused: ["idle", "paused"],
  held: ["look", "waits for your decision"],
  halted: ["bad", "halted"],
  aborted: ["idle", "aborted"],
  finished: ["good", "finished"],
};

/** A rollout's state by colour and words. */
export function stateOf(state: string): { tone: Tone; text: string } {
  const [tone, text] = STATES[state] ?? ["idle", state.replaceAll("_", " ")];
  return { tone, text };
}

/** Whether nothing happens to it any more. */
export function isOver(state: string): boolean {
  return state === "halted" || state === "aborted" || state === "finished";
}

/** What a person can do with a rollout in this state. */
export function actsOn(state: string): { pause: boolean; resume: boolean; approve: boolean; abort: boolean } {
  return {
    pause: ["running", "paused_by_gate", "held", "queued"].includes(state),
    resume: ["paused", "held", "paused_by_gate"].includes(state),
    approve: state === "awaiting_approval",
    abort: !isOver(state),
  };
}

const OUTCOMES: Record<string, [Tone, string]> = {
  advance: ["good", "goes on"],
  wait: ["idle", "waits"],
  pause: ["look", "pauses"],
  hold: ["look", "asks a person"],
  halt: ["bad", "halts"],
};

/** What the gate said, by colour and words. */
export function outcomeOf(outcome: string): { tone: Tone; text: string } {
  const [tone, text] = OUTCOMES[outcome] ?? ["idle", outcome];
  return { tone, text };
}

/** Devices of a rollout by what became of them: done, working, left alone, failed, waiting. */
export function sharesOf(counts: Record<string, number>): Share[] {
  const of = (name: string) => counts[name] ?? 0;
  return [
    { label: "updated", count: of("updated"), tone: "good" },
    { label: "offered", count: of("offered"), tone: "work" },
    { label: "failed", count: of("failed"), tone: "bad" },
    { label: "left alone", count: of("skipped"), tone: "look" },
    { label: "waiting", count: of("waiting"), tone: "idle" },
  ];
}

/** Stages as people write them, `5, 5%, 25%`, as the server takes them. */
export function parseStages(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}

/** A chance as a percentage with as many digits as it needs. */
export function formatChance(chance: number): string {
  if (chance >= 0.1) return `${Math.round(chance * 100)} %`;
  return chance < 0.0001 ? "below 0.01 %" : `${(chance * 100).toFixed(2)} %`;
}

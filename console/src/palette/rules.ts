export interface Target {
  /** Where it leads. */
  to: string;
  label: string;
  /** What kind of thing it is. */
  kind: string;
  /** Other words by which it is found, such as an id. */
  also?: string;
}

const SHOWN = 12;

/** Those that a search means, best first: what begins with it stands before what contains it. */
export function matching(targets: Target[], search: string): Target[] {
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const text = (one: Target) => `${one.label} ${one.kind} ${one.also ?? ""}`.toLowerCase();
  const meant = targets.filter((one) => words.every((word) => text(one).includes(word)));
  const first = words[0] ?? "";
  return meant.toSorted((a, b) => Number(b.label.toLowerCase().startsWith(first)) - Number(a.label.toLowerCase().startsWith(first))).slice(0, SHOWN);
}

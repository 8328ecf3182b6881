/** What a value looks like to a person. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "–";
}

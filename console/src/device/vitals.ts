/** The leaves of a vitals document as rows: their path, and the value with its unit.
 *
 * `strength` and `strength_units` become one row; a value that the device could not supply says so.
 */
export function flatten(document: Record<string, unknown>, path = ""): [string, string][] {
  const rows: [string, string][] = [];
  for (const [key, value] of Object.entries(document)) {
    if (key.endsWith("_units") || key.endsWith("_type")) continue;
    const name = path ? `${path} › ${key}` : key;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const fields = value as Record<string, unknown>;
      if (typeof fields.err === "number") rows.push([name, `not available (error ${fields.err})`]);
      else rows.push(...flatten(fields, name));
      continue;
    }
    const unit = document[`${key}_units`];
    const type = document[`${key}_type`];
    rows.push([name, [String(value), unit, type].filter((one) => typeof one === "string").join(" ")]);
  }
  return rows;
}

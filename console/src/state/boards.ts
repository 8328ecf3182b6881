/** The boards by their platform ids, as their makers call them. */
const PLATFORMS: Record<number, string> = {
  0: "Core", 3: "Virtual device", 6: "Photon", 8: "P1", 10: "Electron", 12: "Argon", 13: "Boron", 14: "Xenon", 15: "E SoM X", 22: "A SoM", 23: "B SoM", 25: "B5 SoM",
  26: "Tracker", 28: "Tracker M", 31: "Raspberry Pi", 32: "Photon 2 / P2", 35: "M SoM", 37: "Electron 2", 42: "Tachyon", 43: "Linux",
};

/** All boards that have a name, by it. */
export const BOARDS: [number, string][] = Object.entries(PLATFORMS)
  .map(([id, name]): [number, string] => [Number(id), name])
  .toSorted((a, b) => a[1].localeCompare(b[1]));

/** The name of a board. */
export function platformName(id: number | null | undefined): string {
  if (id === null || id === undefined) return "unknown";
  return PLATFORMS[id] ?? `platform ${id}`;
}

import type { Version } from "./queries";

/** To whom a version is released, in words. */
export function releasedTo(version: Version): string[] {
  return [...(version.product_default ? ["all devices"] : []), ...version.groups.map((name) => `group ${name}`)];
}

/** Whether a version may still be deleted. */
export function isDeletable(version: Version): boolean {
  return version.released_at === null;
}

/** The number after the highest there is. */
export function nextVersion(versions: Pick<Version, "version">[]): number {
  return Math.max(0, ...versions.map((one) => one.version)) + 1;
}

/** A size in the unit that people read. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

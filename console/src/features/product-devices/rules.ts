import type { Tone } from "../../ui/Marks";
import type { ProductDevice } from "./queries";

/** What a device runs against what it should run. */
export function updateState(device: Pick<ProductDevice, "development" | "desired_firmware_version" | "targeted_firmware_release_version" | "firmware_version">): { tone: Tone; text: string } {
  if (device.development) return { tone: "look", text: "development" };
  const target = device.desired_firmware_version ?? device.targeted_firmware_release_version;
  if (target === null) return { tone: "idle", text: "no release" };
  if (target === device.firmware_version) return { tone: "good", text: "up to date" };
  return { tone: "work", text: `waits for ${target}` };
}

const IS_ID = /^[0-9a-f]+$/i;

/** The query parameter that a search means: hexadecimal digits are an id, the rest a name. */
export function searchParameter(text: string): [string, string] {
  const wanted = text.trim();
  return wanted.length >= 6 && IS_ID.test(wanted) ? ["deviceId", wanted.toLowerCase()] : ["deviceName", wanted];
}

/** The pages, from 1, that hold the places in sight.
 *
 * @param sight first and last place, from 0.
 */
export function pagesInSight([first, last]: readonly [number, number], total: number, perPage: number): number[] {
  const most = Math.max(1, Math.ceil(total / perPage));
  const from = Math.min(most, Math.floor(first / perPage) + 1);
  const to = Math.min(most, Math.floor(last / perPage) + 1);
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}

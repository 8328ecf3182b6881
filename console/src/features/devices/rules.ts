/** Whether a device is one of those that a search means: by name, id or serial number, in any case. */
export function isMeant(device: { id: string; name: string | null; serial_number: string | null }, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return true;
  return [device.id, device.name ?? "", device.serial_number ?? ""].some((one) => one.toLowerCase().includes(wanted));
}

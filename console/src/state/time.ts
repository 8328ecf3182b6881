import { useSyncExternalStore } from "react";

export type Zone = "local" | "UTC";

const KEY = "roadstead.zone";
const listeners = new Set<() => void>();

function read(): Zone {
  try {
    return localStorage.getItem(KEY) === "UTC" ? "UTC" : "local";
  } catch {
    return "local";
  }
}

/** The zone in which times are shown. */
export function useZone(): Zone {
  return useSyncExternalStore((notify) => {
    listeners.add(notify);
    return () => listeners.delete(notify);
  }, read);
}

/** Changes the zone on all pages at once. */
export function setZone(zone: Zone): void {
  try {
    localStorage.setItem(KEY, zone);
  } catch {
    // A private window may refuse to remember; the choice then lasts for this page.
  }
  for (const notify of listeners) notify();
}

const STEPS: [number, string][] = [
  [60_000, "s"],
  [3_600_000, "min"],
  [86_400_000, "h"],
  [Number.POSITIVE_INFINITY, "d"],
];
const UNITS: Record<string, number> = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** An age in words, such as `4 min ago`. */
export function formatAge(age_ms: number): string {
  if (age_ms < 5000) return "just now";
  const unit = STEPS.find(([limit]) => age_ms < limit)?.[1] ?? "d";
  return `${Math.floor(age_ms / (UNITS[unit] ?? 1))} ${unit} ago`;
}

/** A duration in words, such as `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** A moment with date, time, milliseconds and zone. */
export function formatAbsolute(iso: string, zone: Zone): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  if (zone === "UTC") return `${moment.toISOString().replace("T", " ").slice(0, 23)} UTC`;
  const offset = -moment.getTimezoneOffset();
  const local = new Date(moment.getTime() + offset * 60_000).toISOString().replace("T", " ").slice(0, 23);
  const sign = offset < 0 ? "−" : "+";
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
  return `${local} ${sign}${hours}:${String(Math.abs(offset) % 60).padStart(2, "0")}`;
}

import { useCallback } from "react";
import { useLocation, useSearch } from "wouter";

/** What the address says after the question mark, and a way to change it; empty values are left out. */
export function useUrlState(): [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const change = useCallback(
    (changes: Record<string, string | null>) => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(text ? `${path}?${text}` : path, { replace: true });
    },
    [path, search, navigate],
  );
  return [new URLSearchParams(search), change];
}

import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";
import type { components } from "../../api/schema";

export type Status = components["schemas"]["ServerStatusAnswer"];
export type Health = components["schemas"]["Health"];

/** All that those who run the server may know of it. */
export function useServerStatus() {
  return useQuery({ queryKey: ["server", "status"], queryFn: () => take(api.GET("/v1/server")), refetchInterval: 5000 });
}

/** What everybody may know of it; a server that is not well answers too. */
export function useHealth() {
  return useQuery({
    queryKey: ["server", "health"],
    queryFn: async () => {
      const { data, error } = await api.GET("/healthz");
      return (data ?? error) as Health;
    },
    refetchInterval: 10_000,
  });
}

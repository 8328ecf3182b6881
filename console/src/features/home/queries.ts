import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";

/** The person's devices, for counting. */
export function useHomeDevices() {
  return useQuery({ queryKey: ["devices", "mine"], queryFn: () => take(api.GET("/v1/devices")), refetchInterval: 60_000 });
}

import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";

export const deviceKeys = {
  mine: ["devices", "mine"] as const,
  one: (id: string) => ["devices", "one", id] as const,
};

/** The devices that the person has claimed. */
export function useMyDevices() {
  return useQuery({ queryKey: deviceKeys.mine, queryFn: () => take(api.GET("/v1/devices")), refetchInterval: 60_000 });
}

/** One device, by id or name. */
export function useDevice(id: string) {
  return useQuery({
    queryKey: deviceKeys.one(id),
    queryFn: () => take(api.GET("/v1/devices/{device}", { params: { path: { device: id } } })),
    refetchInterval: 30_000,
  });
}

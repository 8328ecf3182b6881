import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, take } from "../../api/client";
import type { components } from "../../api/schema";

export type FleetHealth = components["schemas"]["FleetHealthDocument"];
export type FleetPart = components["schemas"]["FleetPartDocument"];

/** Which devices are looked at. */
export interface Slice {
  product_fw?: string;
  device_os_version?: string;
  device_group?: string;
}

/** How the fleet is now. */
export function useFleetHealth(product: string, slice: Slice) {
  return useQuery({
    queryKey: ["fleet-health", product, slice],
    queryFn: async () => (await take(api.GET("/v1/products/{product}/fleet_health", { params: { path: { product }, query: slice } }))).health,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
}

/** How the fleet changed in the last days: by the hour in a week, by the day in longer times. */
export function useTrend(product: string, trend: string, days: number, slice: Slice) {
  return useQuery({
    queryKey: ["fleet-trend", product, trend, days, slice],
    queryFn: async () => {
      const start_date = new Date(Date.now() - days * 86_400_000).toISOString();
      const bucket_size = String(days <= 7 ? 3600 : 86_400);
      return (await take(api.GET("/v1/products/{product}/fleet_health/{trend}", { params: { path: { product, trend }, query: { ...slice, start_date, bucket_size } } }))).points;
    },
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
}

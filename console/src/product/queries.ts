import { useQuery } from "@tanstack/react-query";
import { api, take } from "../api/client";
import type { components } from "../api/schema";

export type Product = components["schemas"]["ProductDocument"];

export const productKeys = {
  all: ["products"] as const,
  one: (ref: string) => ["products", ref] as const,
};

/** The products that the person reaches. */
export function useProducts() {
  return useQuery({ queryKey: productKeys.all, queryFn: async () => (await take(api.GET("/v1/user/products"))).products });
}

/** How many alerts are not resolved, in each product that has some. */
export function useAlertCounts() {
  return useQuery({
    queryKey: ["alerts", "counts"],
    queryFn: async () => (await take(api.GET("/v1/user/alerts"))).products,
    refetchInterval: 30_000,
  });
}

/** How many alerts of a product are not resolved. */
export function useAlertCount(ref: string) {
  return useQuery({
    queryKey: ["alerts", ref, "count"],
    queryFn: () => take(api.GET("/v1/products/{product}/alerts/counts", { params: { path: { product: ref } } })),
    refetchInterval: 30_000,
  });
}

/** One product, by slug or number, and what the person may do with it. */
export function useProduct(ref: string) {
  return useQuery({
    queryKey: productKeys.one(ref),
    queryFn: () => take(api.GET("/v1/products/{product}", { params: { path: { product: ref } } })),
  });
}

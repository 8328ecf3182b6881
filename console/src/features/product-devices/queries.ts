import { keepPreviousData, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask } from "../../api/client";
import type { components } from "../../api/schema";
import { useRefusal } from "../../state/rights";

export type ProductDevice = components["schemas"]["ProductDeviceAnswer"];
export type Import = components["schemas"]["ImportDocument"];
type Answer = components["schemas"]["ProductDevicesAnswer"];

/** Devices that are asked for at once. */
export const PER_PAGE = 100;

function pageQuery(product: string, asked: URLSearchParams, page: number) {
  const wanted = new URLSearchParams(asked);
  wanted.set("page", String(page));
  wanted.set("per_page", String(PER_PAGE));
  const text = wanted.toString();
  return {
    queryKey: ["devices", "product", product, text],
    queryFn: async ({ signal }: { signal: AbortSignal }) => (await (await ask(`/v1/products/${product}/devices?${text}`, { signal })).json()) as Answer,
    refetchInterval: 30_000,
  };
}

/** A page of a product's devices, from 1; filters and order are the server's. */
export function useProductDevices(product: string, asked: URLSearchParams, page: number) {
  return useQuery({ ...pageQuery(product, asked, page), placeholderData: keepPreviousData });
}

/** Several pages of the same list, by their number; those that are not loaded yet are missing. */
export function useDevicePages(product: string, asked: URLSearchParams, pages: readonly number[]): ReadonlyMap<number, ProductDevice[]> {
  return useQueries({
    queries: pages.map((page) => pageQuery(product, asked, page)),
    combine: (results) => new Map(results.flatMap((one, place) => (one.data ? [[pages[place] ?? 0, one.data.devices] as const] : []))),
  });
}

/** One device of a product. */
export function useProductDevice(product: string, id: string) {
  return useQuery({
    queryKey: ["devices", "product", product, "one", id],
    queryFn: async () => (await (await ask(`/v1/products/${product}/devices/${id}`)).json()) as ProductDevice,
    refetchInterval: 30_000,
  });
}

/** The newest imports; asked again each second while one runs. */
export function useImports(product: string) {
  const refusal = useRefusal();
  return useQuery({
    // Who may not import is not shown imports either.
    enabled: refusal("devices:import") === null,
    queryKey: ["imports", product],
    queryFn: async () => ((await (await ask(`/v1/products/${product}/device_imports`)).json()) as components["schemas"]["ImportsAnswer"]).device_imports,
    refetchInterval: (query) => (query.state.data?.some((one) => one.finished_at === null) ? 1000 : false),
  });
}

/** Sends a change of devices of the product; what is shown of them is asked again afterwards. */
export function useProductDevicesAct(product: string) {
  const queries = useQueryClient();
  return async (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method };
    if (body instanceof FormData) init.body = body;
    else if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await ask(`/v1/products/${product}/devices${path}`, init);
    for (const key of ["devices", "products", "imports", "groups", "firmware-target"]) void queries.invalidateQueries({ queryKey: [key] });
    return answer.status === 204 ? {} : await answer.json();
  };
}

import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask } from "../../api/client";

/** An integration as the API writes it; its further fields depend on its kind. */
export interface Integration extends Record<string, unknown> {
  id: string;
  integration_type: string;
  event: string;
  name: string;
  disabled: boolean;
  created_at: string;
  url?: string;
  template?: string;
  /** What holds it up now; when it is asked for alone. */
  breaker?: Breaker;
  in_flight?: number;
  held_by?: string | null;
}

export interface Template {
  name: string;
  title: string;
  description: string;
  integration_type: string;
  parameters: Record<string, { meaning: string; default: string | null }>;
}

export interface Breaker {
  state: string;
  until: string | null;
  failures_in_a_row: number;
}

export interface Delivery {
  id: string;
  integration_id: string;
  state: string;
  outcome: string;
  event: { id: string; name: string; data: string; coreid: string; published_at: string };
  attempts: number;
  next_attempt_at: string | null;
  finished_at: string | null;
  request: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  error: string | null;
  log: Record<string, unknown>[];
}

/** Whose integrations: `/v1`, `/v1/products/SLUG` or `/v1/orgs/SLUG`. */
export type Base = string;

/** All integrations of the owner. */
export function useIntegrations(base: Base) {
  return useQuery({ queryKey: ["integrations", base], queryFn: async () => (await (await ask(`${base}/integrations`)).json()) as Integration[] });
}

/** What integrations can be made from. */
export function useTemplates() {
  return useQuery({ queryKey: ["integration-templates"], queryFn: async () => (await (await ask("/v1/integration_templates")).json()) as Template[], staleTime: 60_000 });
}

export interface Sample {
  event_name: string;
  data: string;
  device_id: string;
}

export interface Preview {
  request: Record<string, unknown> | null;
  error: string | null;
}

/** The request that settings would make of an event; nothing is sent.
 *
 * @param id of the integration that is being changed; null for a new one.
 * @throws ApiError when the settings are not right.
 */
export async function previewOf(base: Base, integration: Record<string, unknown>, sample: Sample, id: string | null): Promise<Preview> {
  const body = { integration, ...sample, device_id: sample.device_id || "api", ...(id ? { id } : {}) };
  const answer = await ask(`${base}/integrations/preview`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return (await answer.json()) as Preview;
}

/** One integration, with what holds it up now. */
export function useIntegration(base: Base, id: string) {
  return useQuery({
    queryKey: ["integrations", base, id],
    queryFn: async () => ((await (await ask(`${base}/integrations/${id}`)).json()) as { integration: Integration }).integration,
    refetchInterval: 10_000,
  });
}

/** What was sent, newest first. */
export function useDeliveries(base: Base, id: string, outcome: string) {
  return useInfiniteQuery({
    queryKey: ["deliveries", base, id, outcome],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => {
      const asked = new URLSearchParams({ limit: "50", ...(outcome ? { outcome } : {}), ...(pageParam ? { cursor: pageParam } : {}) });
      return (await (await ask(`${base}/integrations/${id}/deliveries?${asked}`)).json()) as { deliveries: Delivery[]; next_cursor: string | null };
    },
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 10_000,
  });
}

/** Sends a change of integrations; the lists are asked again afterwards. */
export function useIntegrationAct(base: Base) {
  const queries = useQueryClient();
  return async (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await ask(`${base}/integrations${path}`, init);
    // What was removed is not asked for again; the list asks when it is shown next.
    const refetchType = method === "DELETE" ? "none" : "active";
    void queries.invalidateQueries({ queryKey: ["integrations", base], refetchType });
    void queries.invalidateQueries({ queryKey: ["deliveries", base], refetchType });
    return answer.status === 204 ? {} : await answer.json();
  };
}

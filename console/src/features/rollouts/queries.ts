import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";
import { isOver } from "./rules";

export type Rollout = components["schemas"]["RolloutDocument"];
export type Plan = components["schemas"]["PlanAnswer"];
export type RolloutAnswer = components["schemas"]["RolloutAnswer"];
export type Look = components["schemas"]["LookDocument"];
export type Stage = components["schemas"]["StageDocument"];
export type Explanation = components["schemas"]["ExplanationAnswer"];

/** What a person asks for; the rest of the policy is the server's. */
export interface Wanted {
  version: number;
  groups: string[];
  filter: string;
  policy: Record<string, unknown>;
  override_reason?: string;
  id?: string;
}

export const rolloutKeys = {
  all: (product: string) => ["rollouts", product] as const,
  one: (product: string, id: string) => ["rollouts", product, "one", id] as const,
};

/** Rollouts of a product, the newest first. */
export function useRollouts(product: string, page: number) {
  return useQuery({
    queryKey: [...rolloutKeys.all(product), page],
    queryFn: () => take(api.GET("/v1/products/{product}/rollouts", { params: { path: { product }, query: { page: String(page), per_page: "25" } as never } })),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
}

/** One rollout as it stands; asked again often while it goes on. */
export function useRollout(product: string, id: string) {
  return useQuery({
    queryKey: rolloutKeys.one(product, id),
    queryFn: () => take(api.GET("/v1/products/{product}/rollouts/{rollout}", { params: { path: { product, rollout: id } } })),
    refetchInterval: (query) => (query.state.data && isOver(query.state.data.rollout.state) ? 30_000 : 3000),
  });
}

async function send(product: string, path: string, body: unknown): Promise<unknown> {
  const answer = await ask(`/v1/products/${product}/rollouts${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return await answer.json();
}

/** What a rollout would do; nothing is made.
 *
 * @throws ApiError with what is wrong with it.
 */
export async function planRollout(product: string, wanted: Wanted): Promise<Plan> {
  return (await send(product, "", { ...wanted, dry_run: true })) as Plan;
}

/** Makes and steers rollouts; what is shown of them is asked again afterwards. */
export function useRolloutAct(product: string) {
  const queries = useQueryClient();
  const refresh = () => {
    for (const key of ["rollouts", "firmware", "firmware-target"]) void queries.invalidateQueries({ queryKey: [key] });
  };
  return {
    create: async (wanted: Wanted): Promise<Rollout> => {
      const made = (await send(product, "", wanted)) as { rollout: Rollout };
      refresh();
      return made.rollout;
    },
    steer: async (id: string, what: "pause" | "resume" | "approve" | "abort", body: unknown = {}): Promise<void> => {
      await send(product, `/${id}/${what}`, body);
      refresh();
    },
  };
}

/** Why a device has not got the version yet. */
export async function explainDevice(product: string, id: string, device: string): Promise<Explanation> {
  return (await (await ask(`/v1/products/${product}/rollouts/${id}/devices/${encodeURIComponent(device)}`)).json()) as Explanation;
}

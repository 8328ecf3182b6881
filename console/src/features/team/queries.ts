import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../../api/client";
import type { components } from "../../api/schema";

type Entry = components["schemas"]["MemberAnswer"];

/** A person of the team. */
export type Member = Entry & Required<Pick<Entry, "role" | "no_mfa">>;

/** A program of the team. */
export type ApiUser = Entry & Required<Pick<Entry, "friendly_name" | "scopes">>;

export type TeamEntry = Entry;

/** Whose team: `products/SLUG` or `orgs/SLUG`. */
export type Scope = `products/${string}` | `orgs/${string}`;

/** The people and programs of a team, and who was invited. */
export function useTeam(scope: Scope) {
  return useQuery({
    queryKey: ["team", scope],
    queryFn: () => {
      const [kind, ref = ""] = scope.split("/");
      return kind === "orgs"
        ? take(api.GET("/v1/orgs/{org}/team", { params: { path: { org: ref } } }))
        : take(api.GET("/v1/products/{product}/team", { params: { path: { product: ref } } }));
    },
  });
}

/** Sends a change of the team; the list is asked again afterwards. */
export function useTeamAct(scope: Scope) {
  const queries = useQueryClient();
  return async (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await ask(`/v1/${scope}/team${path}`, init);
    void queries.invalidateQueries({ queryKey: ["team", scope] });
    return answer.status === 204 ? {} : await answer.json();
  };
}

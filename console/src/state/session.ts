import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, take } from "../api/client";
import { isSignedOut } from "../api/errors";

/** How the console names itself to the server; a public client that every server knows. */
const CLIENT = { client_id: "particle-api", client_secret: "particle-api" };

const LIFETIME_S = 30 * 24 * 3600;

export const sessionKey = ["session"];

/** The signed-in person; null when nobody is signed in. */
export function useSession() {
  return useQuery({
    queryKey: sessionKey,
    queryFn: async () => {
      try {
        return await take(api.GET("/v1/user"));
      } catch (error) {
        if (isSignedOut(error)) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

/** Id of the signed-in person; undefined until it is known. */
export function useOwnId(): string | undefined {
  const query = useQuery({ queryKey: ["session", "id"], queryFn: () => take(api.GET("/v1/user/identify")), staleTime: Number.POSITIVE_INFINITY });
  return query.data?.id;
}

interface Token {
  access_token: string;
}

async function tokenFor(fields: Record<string, string>): Promise<string> {
  const answer = await ask("/oauth/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...CLIENT, ...fields }),
  });
  return ((await answer.json()) as Token).access_token;
}

async function keep(token: string): Promise<void> {
  await ask("/v1/browser_session", { method: "POST", headers: { authorization: `Bearer ${token}` } });
}

/** Signs in with a password. The token goes straight into the cookie.
 *
 * @throws ApiError `mfa_required` when a code is needed too.
 */
export async function signIn(username: string, password: string): Promise<void> {
  await keep(await tokenFor({ grant_type: "password", username, password, expires_in: String(LIFETIME_S) }));
}

/** Signs in with the code of the second factor.
 *
 * @throws ApiError when the code is wrong or came too late.
 */
export async function signInWithCode(mfa_token: string, otp: string): Promise<void> {
  await keep(await tokenFor({ grant_type: "urn:custom:mfa-otp", mfa_token, otp }));
}

/** Signs out; the token ends on the server. */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await ask("/v1/browser_session", { method: "DELETE" });
    forget(queries);
  };
}

/** Drops everything that was loaded for the person who was signed in. */
export function forget(queries: QueryClient): void {
  queries.clear();
  queries.setQueryData(sessionKey, null);
}

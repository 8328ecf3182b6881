import createClient from "openapi-fetch";
import { errorOf, unreachable } from "./errors";
import type { paths } from "./schema";

/** The API, typed by the server's own description. The session travels in a cookie. */
export const api = createClient<paths>({
  baseUrl: "",
  fetch: async (request: Request) => {
    try {
      return await fetch(request);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw unreachable();
    }
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer.
 *
 * @throws ApiError with what the server said.
 */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw errorOf(response.status, error, response.headers.get("x-request-id"));
  return data as T;
}

/** Asks for what the description cannot type: files, text, routes with a free form.
 *
 * @throws ApiError with what the server said.
 */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  throw errorOf(response.status, body, response.headers.get("x-request-id"));
}

/** What went wrong with a request, in the server's own words. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** The server's stable code, such as `plan_limit`. */
    readonly code: string,
    message: string,
    /** Identifies the exchange in the server's log. */
    readonly requestId: string | null,
    /** What a sign-in by code needs, when one is asked for. */
    readonly mfaToken: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The error that an answer's body describes; the field's API has several shapes. */
export function errorOf(status: number, body: unknown, requestId: string | null): ApiError {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const first = Array.isArray(fields.errors) ? fields.errors[0] : undefined;
  const code = typeof fields.error === "string" ? fields.error : "error";
  const text = [fields.error_description, fields.info, first, fields.error].find((one) => typeof one === "string");
  const mfaToken = typeof fields.mfa_token === "string" ? fields.mfa_token : null;
  return new ApiError(status, code, (text as string | undefined) ?? `The server answered ${status}.`, requestId, mfaToken);
}

/** The error of a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "The server cannot be reached. It is tried again.", null);
}

/** Whether asking again may help. */
export function isRetryable(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503 || error.status === 429);
}

/** Whether the session has ended. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** Whether the caller's role does not allow it. */
export function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}

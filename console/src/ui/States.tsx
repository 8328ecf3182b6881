import type { ReactNode } from "react";
import { ApiError, isForbidden } from "../api/errors";
import { Button } from "./Button";

/** Nothing to show yet, or nothing that matches: one sentence, and what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="card empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What has failed, beside the thing that failed. */
export function ErrorNote({ error }: { error: unknown }) {
  const request = error instanceof ApiError ? error.requestId : null;
  return (
    <div className="note bad" role="alert">
      <div className="wrap-any">{error instanceof Error ? error.message : String(error)}</div>
      {request && <div className="quiet mono">request {request}</div>}
    </div>
  );
}

/** A page or panel that could not be loaded. */
export function Failed({ error, retry }: { error: unknown; retry: () => void }) {
  if (error instanceof ApiError && error.code === "plan_limit") {
    return (
      <Empty title="The plan does not include this">
        <p className="quiet">{error.message}</p>
      </Empty>
    );
  }
  if (isForbidden(error)) {
    return (
      <Empty title="Your role does not allow this">
        <p className="quiet">{(error as Error).message} An administrator of the team can change your role.</p>
      </Empty>
    );
  }
  const unknown = error instanceof ApiError && error.status === 404;
  return (
    <Empty title={unknown ? "This is not here" : "This could not be loaded"}>
      <ErrorNote error={error} />
      {!unknown && <Button onClick={retry}>Try again</Button>}
    </Empty>
  );
}

/** The shape of what is coming. */
export function Loading({ rows = 6, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div className="card stack" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="skeleton" style={{ width: `${92 - ((row * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Shows a query's data, or why there is none yet. */
export function Loaded<T>({ query, rows, title, children }: { query: QueryLike<T>; rows?: number; title?: string; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  const state = query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Loading rows={rows ?? 6} />;
  if (title === undefined) return state;
  // A whole page: it says what it will be while it loads, and what it would have been when it fails.
  return <div className="page"><header className="page-head"><h1>{title}</h1></header>{state}</div>;
}

import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import { Empty, ErrorNote } from "./States";

interface State {
  error: Error | null;
}

const CHUNK_GONE = /dynamically imported module|module script|Failed to fetch/i;

/** Keeps a page's fault to that page; a page of an older version offers to load the new one. */
export class CatchErrors extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const replaced = CHUNK_GONE.test(error.message);
    return (
      <div className="page">
        <Empty title={replaced ? "A new version is there" : "This page has failed"}>
          {!replaced && <ErrorNote error={error} />}
          <Button kind="primary" onClick={() => window.location.reload()}>Reload</Button>
        </Empty>
      </div>
    );
  }
}

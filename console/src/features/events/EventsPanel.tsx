import { useState } from "react";
import type { EventFilter } from "../../api/filters";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { LiveEvents } from "../../ui/live/LiveEvents";
import { Card } from "../../ui/Page";
import { History } from "./History";
import { PublishDialog } from "./PublishDialog";

interface Props {
  filter: EventFilter;
  productId?: number;
  history: string;
  publish: string;
}

/** Events now and before. */
export function EventsPanel({ filter, productId, history, publish }: Props) {
  const [url, change] = useUrlState();
  const [publishing, setPublishing] = useState(false);
  const past = url.get("view") === "history";
  const prefix = url.get("prefix") ?? "";
  return (
    <>
      <div className="row">
        <Button kind={past ? "plain" : "normal"} aria-pressed={!past} onClick={() => change({ view: null })}>Live</Button>
        <Button kind={past ? "normal" : "plain"} aria-pressed={past} onClick={() => change({ view: "history" })}>History</Button>
        <span className="grow" />
        <Button needs="events:send" onClick={() => setPublishing(true)}>Publish an event</Button>
      </div>
      <PublishDialog path={publish} open={publishing} onClose={() => setPublishing(false)} />
      {past ? <History path={history} /> : (
        <Card title="Live">
          <div className="stack">
            <div className="filters" role="search">
              <input className="input" type="search" aria-label="Names begin with" placeholder="Names begin with" value={prefix} onChange={(event) => change({ prefix: event.target.value })} />
            </div>
            <LiveEvents key={prefix} filter={{ ...filter, prefix }} productId={productId ?? null} />
          </div>
        </Card>
      )}
    </>
  );
}

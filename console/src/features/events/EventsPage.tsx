import { useDeferredValue } from "react";
import { useUrlState } from "../../state/url";
import { Card, Page } from "../../ui/Page";
import { LiveEvents } from "../../ui/live/LiveEvents";

/** What all of the person's devices say. */
export default function EventsPage() {
  const [url, change] = useUrlState();
  const prefix = useDeferredValue(url.get("prefix") ?? "");
  return (
    <Page title="Events">
      <div className="filters" role="search">
        <input className="input" type="search" aria-label="Event names begin with" placeholder="Names begin with …" value={url.get("prefix") ?? ""} onChange={(event) => change({ prefix: event.target.value })} />
      </div>
      <Card title="Live"><LiveEvents key={prefix} filter={{ prefix }} /></Card>
    </Page>
  );
}

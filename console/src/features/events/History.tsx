import { useInfiniteQuery } from "@tanstack/react-query";
import { ask } from "../../api/client";
import type { components } from "../../api/schema";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/States";
import { Moment } from "../../ui/Time";

type Answer = components["schemas"]["HistoryAnswer"];

interface Props {
  /** `/v1/event_history`, or a product's. */
  path: string;
}

const FIELDS = ["device", "prefix", "since", "until", "text"] as const;

/** What was said before: searched by device, name, time and text, newest first. */
export function History({ path }: Props) {
  const [url, change] = useUrlState();
  const asked = new URLSearchParams({ per_page: "100", order: "newest" });
  for (const name of FIELDS) {
    const value = url.get(name);
    if (value) asked.set(name, name === "since" || name === "until" ? new Date(value).toISOString() : value);
  }
  const text = asked.toString();
  const query = useInfiniteQuery({
    queryKey: ["event-history", path, text],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const cursor = pageParam ? `&cursor=${encodeURIComponent(pageParam)}` : "";
      return (await (await ask(`${path}?${text}${cursor}`, { signal })).json()) as Answer;
    },
    getNextPageParam: (last) => last.meta.cursor,
  });
  const events = query.data?.pages.flatMap((page) => page.events) ?? [];
  const last = query.data?.pages.at(-1)?.meta;
  return (
    <Card title="History" actions={<a className="button small" href={`${path}?${text}&format=ndjson`} download="events.ndjson">Export</a>}>
      <div className="stack">
        <div className="filters" role="search">
          <Filter name="prefix" label="Names begin with" />
          <Filter name="device" label="Device ID" />
          <Filter name="text" label="Data contains" />
          <Filter name="since" label="Since" type="datetime-local" />
          <Filter name="until" label="Until" type="datetime-local" />
        </div>
        {query.error && !query.data ? <Failed error={query.error} retry={() => void query.refetch()} /> : query.isPending ? <Loading rows={6} /> : events.length === 0 ? (
          <Empty title="Nothing matches"><Button onClick={() => change({ device: null, prefix: null, since: null, until: null, text: null })}>Clear the filters</Button></Empty>
        ) : (
          <ul className="feed">
            {events.map((event) => (
              <li key={event.id}>
                <Moment at={event.published_at} />
                <span className="wrap-any"><strong>{event.name}</strong> <span className="quiet mono">{event.coreid}</span></span>
                <code className="wrap-any">{event.data}</code>
              </li>
            ))}
          </ul>
        )}
        {last?.cursor && (
          <div className="row">
            <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{last.stopped_early ? "Search further back" : "Show older"}</Button>
            {last.stopped_early && <span className="quiet">searched back to <Moment at={last.reached_at} /></span>}
          </div>
        )}
      </div>
    </Card>
  );
}

function Filter({ name, label, type = "search" }: { name: string; label: string; type?: string }) {
  const [url, change] = useUrlState();
  return <input className="input" type={type} aria-label={label} placeholder={label} title={label} defaultValue={url.get(name) ?? ""} onChange={(event) => change({ [name]: event.target.value })} />;
}

import { useState } from "react";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ErrorNote } from "../../ui/States";
import { type Base, type Preview, previewOf } from "./queries";

interface Props {
  base: Base;
  /** Of the integration that is being changed; null for a new one. */
  id: string | null;
  /** The settings as they stand in the form.
   *
   * @throws SyntaxError when a field that must be JSON is not.
   */
  settings: () => Record<string, unknown>;
}

/** An error of a form, in words. */
export function inWords(caught: unknown): unknown {
  return caught instanceof SyntaxError ? new Error(`A field that must be JSON is not: ${caught.message}`) : caught;
}

/** Shows the request that an event would cause, made by the server from what the form says. Nothing is sent. */
export function PreviewPanel({ base, id, settings }: Props) {
  const [data, setData] = useState('{"temperature": 21.5}');
  const [device, setDevice] = useState("");
  const [shown, setShown] = useState<Preview | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const show = async () => {
    setBusy(true);
    setError(null);
    setShown(null);
    try {
      setShown(await previewOf(base, settings(), { event_name: "", data, device_id: device.trim() }, id));
    } catch (caught) {
      setError(inWords(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="note stack" aria-label="Preview">
      <h3>What would be sent?</h3>
      <div className="cards">
        <TextField label="Data of an event" className="input mono" value={data} onChange={(event) => setData(event.target.value)} />
        <TextField label="Its device" className="input mono" placeholder="24 hexadecimal digits; none if empty" value={device} onChange={(event) => setDevice(event.target.value)} />
      </div>
      <div className="row"><Button needs="integrations:test" busy={busy} onClick={() => void show()}>Show the request</Button><span className="quiet">Nothing is sent.</span></div>
      <div role="status">
        {shown?.error && <p className="note bad wrap-any">It cannot be made: {shown.error}</p>}
        {shown?.request && <Request request={shown.request} />}
      </div>
      {error !== null && <ErrorNote error={error} />}
    </section>
  );
}

/** A request as it goes over the wire; secrets are masked by the server. */
function Request({ request }: { request: Record<string, unknown> }) {
  const { method, url, headers, body, ...rest } = request as { method?: string; url?: string; headers?: Record<string, string>; body?: string };
  const lines = [
    ...(method ? [`${method} ${url ?? ""}`] : []),
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...Object.entries(rest).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`),
    ...(body ? ["", body] : []),
  ];
  // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reachable by keyboard
  return <pre className="code" tabIndex={0} role="region" aria-label="Request">{lines.join("\n")}</pre>;
}

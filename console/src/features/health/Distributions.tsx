import { Card } from "../../ui/Page";
import { Loaded } from "../../ui/States";
import { type FleetHealth, type Slice, useTrend } from "./queries";
import { durationShares, tens } from "./rules";

interface Bar {
  label: string;
  count: number;
}

/** Counts side by side, each with its bar. */
export function Bars({ rows }: { rows: Bar[] }) {
  const most = Math.max(1, ...rows.map((one) => one.count));
  if (rows.every((one) => one.count === 0)) return <p className="quiet">No data in this time.</p>;
  return (
    <dl className="bars">
      {rows.map((one) => (
        <div key={one.label}>
          <dt>{one.label}</dt>
          <dd><i style={{ width: `${(100 * one.count) / most}%` }} /><span className="num">{one.count.toLocaleString()}</span></dd>
        </div>
      ))}
    </dl>
  );
}

/** How battery, signal and memory are spread over the devices. */
export function Distributions({ health }: { health: FleetHealth }) {
  return (
    <div className="cards">
      <Card title="How full are the batteries?"><Bars rows={tens(health.battery)} /></Card>
      <Card title="How strong is the signal?"><Bars rows={tens(health.signal)} /></Card>
      <Card title="How much memory is used?"><Bars rows={tens(health.memory)} /></Card>
    </div>
  );
}

/** How long sessions or absences were that ended in this time. */
export function Durations({ product, days, slice, name, title }: { product: string; days: number; slice: Slice; name: string; title: string }) {
  const query = useTrend(product, name, days, slice);
  return <Card title={title}><Loaded query={query} rows={4}>{(points) => <Bars rows={durationShares(points)} />}</Loaded></Card>;
}

import { ProductFrame } from "../../product/Frame";
import type { Product } from "../../product/queries";
import { useUrlState } from "../../state/url";
import { Button } from "../../ui/Button";
import { StatusMark } from "../../ui/Marks";
import { Card, Command, Tiles } from "../../ui/Page";
import { Stacked } from "../../ui/Progress";
import { Empty, Loaded } from "../../ui/States";
import { Moment } from "../../ui/Time";
import { Distributions, Durations } from "./Distributions";
import { Parts, Reasons, Worst } from "./Parts";
import { type FleetHealth, type Slice, useFleetHealth, useTrend } from "./queries";
import { stateShares, verdictOf } from "./rules";
import { TrendChart } from "./TrendChart";

const DAYS = [7, 30, 90];

/** How a fleet does: better or worse, since when, which part of it, and who needs somebody. */
export default function HealthPage() {
  return <ProductFrame title="Health">{(product) => <Health product={product} />}</ProductFrame>;
}

function Health({ product }: { product: Product }) {
  const [url, change] = useUrlState();
  const slice: Slice = {};
  for (const name of ["product_fw", "device_os_version", "device_group"] as const) {
    const value = url.get(name);
    if (value) slice[name] = value;
  }
  const days = DAYS.find((one) => String(one) === url.get("days")) ?? 7;
  const everybody = useFleetHealth(product.slug, {});
  const query = useFleetHealth(product.slug, slice);
  const narrowed = Object.keys(slice).length > 0;
  return (
    <Loaded query={query}>
      {(health) => health.heard === 0 && !narrowed ? <NothingYet /> : (
        <>
          <div className="filters" role="group" aria-label="Which devices, and which time">
            <Choice label="Group" name="device_group" all="All groups" options={(everybody.data ?? health).by_group.map((one) => one.name)} url={url} change={change} />
            <Choice label="Version" name="product_fw" all="All versions" options={(everybody.data ?? health).by_firmware.map((one) => one.name)} url={url} change={change} />
            <Choice label="Device OS" name="device_os_version" all="Every Device OS" options={(everybody.data ?? health).by_device_os.map((one) => one.name).filter(Boolean)} url={url} change={change} />
            <select className="input" aria-label="Time" value={days} onChange={(event) => change({ days: event.target.value })}>
              {DAYS.map((one) => <option key={one} value={one}>the last {one} days</option>)}
            </select>
            {narrowed && <Button small onClick={() => change({ device_group: null, product_fw: null, device_os_version: null })}>Clear the filters</Button>}
          </div>
          {health.heard === 0 ? <Empty title="No device matches"><p className="quiet">None of this group, version and Device OS was heard of.</p></Empty> : (
            <Shown product={product.slug} health={health} days={days} slice={slice} />
          )}
        </>
      )}
    </Loaded>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  all: string;
  options: string[];
  url: URLSearchParams;
  change: (changes: Record<string, string | null>) => void;
}

function Choice({ label, name, all, options, url, change }: ChoiceProps) {
  const chosen = url.get(name) ?? "";
  const shown = chosen && !options.includes(chosen) ? [chosen, ...options] : options;
  return (
    <select className="input" aria-label={label} value={chosen} onChange={(event) => change({ [name]: event.target.value })}>
      <option value="">{all}</option>
      {shown.map((one) => <option key={one} value={one}>{name === "product_fw" ? (one === "0" ? "no version" : `version ${one}`) : one}</option>)}
    </select>
  );
}

function NothingYet() {
  return (
    <Empty title="No device was heard of yet">
      <p className="quiet">A device is judged when it comes online, restarts, or sends its vitals. In an application, this has it send them every hour:</p>
      <Command label="Line of an application">{"Particle.publishVitals(3600);"}</Command>
    </Empty>
  );
}

interface ShownProps {
  product: string;
  health: FleetHealth;
  days: number;
  slice: Slice;
}

function Shown({ product, health, days, slice }: ShownProps) {
  const trend = { product, days, slice };
  return (
    <>
      <Verdict {...trend} />
      <Tiles rows={[
        ["Heard of", health.devices === null ? health.heard.toLocaleString() : `${health.heard.toLocaleString()} of ${health.devices.toLocaleString()}`],
        ["Online now", health.online.toLocaleString()],
        ["Unhealthy", (health.states["unhealthy"] ?? 0).toLocaleString()],
        ["Warning", (health.states["warning"] ?? 0).toLocaleString()],
      ]} />
      <div className="cards">
        <Card title="How are the devices now?">
          <Stacked label="Devices by state" shares={stateShares(health.states)} />
          <Reasons reasons={health.reasons} />
        </Card>
        <Worst product={product} devices={health.worst} />
      </div>
      <Parts product={product} health={health} />
      <div className="cards">
        <TrendChart {...trend} name="states" gaps title="How many are in trouble?" unit="devices" order={["warning", "unhealthy"]} />
        <TrendChart {...trend} name="versions" gaps title="Which versions run?" unit="devices" label={(one) => (one === "0" ? "none" : `version ${one}`)} />
        <TrendChart {...trend} name="connects" title="How often do they connect anew?" unit="sessions begun" label={() => "sessions"} bars />
        <TrendChart {...trend} name="resets" title="Why do they restart?" unit="restarts" label={(one) => one.replaceAll("_", " ")} bars />
        <TrendChart {...trend} name="updates" title="How do updates end?" unit="updates" bars />
        <TrendChart {...trend} name="reasons" title="What is wrong with them?" unit="devices" label={(one) => health.reasons.find((known) => known.name === one)?.label ?? one.replaceAll("_", " ")} />
        <Durations {...trend} name="sessions" title="How long do sessions last?" />
        <Durations {...trend} name="offline" title="How long are they away?" />
      </div>
      <Distributions health={health} />
    </>
  );
}

function Verdict({ product, days, slice }: { product: string; days: number; slice: Slice }) {
  const query = useTrend(product, "states", days, slice);
  return (
    <Loaded query={query} rows={1}>
      {(points) => {
        const { tone, text, since } = verdictOf(points);
        return <p className={`note ${tone === "bad" ? "bad" : tone === "look" ? "look" : ""}`} role="status"><StatusMark tone={tone}>{text}</StatusMark>{since && <> Most of it since <Moment at={since} />.</>}</p>;
      }}
    </Loaded>
  );
}

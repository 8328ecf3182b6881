import { useMemo } from "react";
import { Chart } from "../../ui/Chart";
import { Loaded } from "../../ui/States";
import { type Slice, useTrend } from "./queries";
import { type Point, seriesOf } from "./rules";

interface Props {
  product: string;
  days: number;
  slice: Slice;
  name: string;
  /** The question that it answers. */
  title: string;
  unit: string;
  /** What a label is called; the label itself if it is not given. */
  label?: (label: string) => string;
  /** Only these labels, in this order. */
  order?: readonly string[];
  bars?: boolean;
  /** A point without counts was not known. */
  gaps?: boolean;
}

/** One trend of the fleet as a chart. */
export function TrendChart({ product, days, slice, name, ...shown }: Props) {
  const query = useTrend(product, name, days, slice);
  return (
    <section className="card" aria-label={shown.title}>
      <Loaded query={query} rows={4}>{(points) => <Drawn points={points} {...shown} />}</Loaded>
    </section>
  );
}

const itself = (label: string) => label;

function Drawn({ points, title, unit, label = itself, order, bars, gaps }: Omit<Props, "product" | "days" | "slice" | "name"> & { points: Point[] }) {
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- names and order are the same for every drawing of one chart
  const { times, series } = useMemo(() => seriesOf(points, label, order, gaps), [points]);
  return <Chart title={title} unit={unit} times={times} series={series} {...(bars ? { bars } : {})} />;
}

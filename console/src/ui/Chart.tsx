import { lazy, Suspense } from "react";

export interface Series {
  label: string;
  /** One value for each time; null where there is none, which leaves a gap. */
  values: (number | null)[];
}

export interface ChartProps {
  /** The question that it answers. */
  title: string;
  unit: string;
  /** Unix seconds, rising. */
  times: number[];
  series: Series[];
  /** A line that should not be crossed. */
  threshold?: number;
  bars?: boolean;
}

const Drawing = lazy(() => import("./ChartDrawing"));

/** Figures over time. The code that draws is loaded when the first chart is shown. */
export function Chart(props: ChartProps) {
  return (
    <figure className="stack tight">
      <figcaption className="row"><h3 className="grow">{props.title}</h3><span className="quiet">{props.unit}</span></figcaption>
      {props.times.length === 0 ? <p className="quiet">No data in this time.</p> : (
        <Suspense fallback={<div className="chart skeleton" />}><Drawing {...props} /></Suspense>
      )}
      <details>
        <summary className="quiet">The same as a table</summary>
        <Numbers {...props} />
      </details>
    </figure>
  );
}

function Numbers({ times, series, title }: ChartProps) {
  const last = times.slice(-200);
  const start = times.length - last.length;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
    <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
      <table className="table">
        <thead><tr><th scope="col">Time</th>{series.map((one) => <th scope="col" className="num" key={one.label}>{one.label}</th>)}</tr></thead>
        <tbody>
          {last.map((time, row) => (
            <tr key={time}>
              <td className="mono">{new Date(time * 1000).toISOString()}</td>
              {series.map((one) => <td className="num" key={one.label}>{one.values[start + row] ?? "–"}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

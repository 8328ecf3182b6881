import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ChartProps } from "./Chart";

const HEIGHT_PX = 190;

/** Draws a chart on a canvas, in the colours of the theme. */
export default function ChartDrawing({ times, series, threshold, bars, title }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = place.current;
    if (!target) return undefined;
    const colours = palette();
    const lines = series.map((one, index) => ({
      label: one.label,
      stroke: colours.lines[index % colours.lines.length] ?? colours.ink,
      width: 2,
      spanGaps: false,
      ...(bars && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.8] }), fill: `${colours.lines[index % colours.lines.length]}66` } : {}),
    }));
    const data: (number | null)[][] = [times, ...series.map((one) => one.values)];
    if (threshold !== undefined) {
      lines.push({ label: "limit", stroke: colours.bad, width: 1, spanGaps: true });
      data.push(times.map(() => threshold));
    }
    const axis = { stroke: colours.quiet, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line, width: 1 } };
    const plot = new uPlot(
      { width: target.clientWidth, height: HEIGHT_PX, series: [{}, ...lines], axes: [axis, axis], legend: { show: series.length > 1 } },
      data as uPlot.AlignedData,
      target,
    );
    const watcher = new ResizeObserver(() => plot.setSize({ width: target.clientWidth, height: HEIGHT_PX }));
    watcher.observe(target);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [times, series, threshold, bars]);
  return <div className="chart" ref={place} role="img" aria-label={title} />;
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink"),
    quiet: of("--quiet"),
    line: of("--line"),
    bad: of("--bad"),
    lines: [of("--accent"), of("--work"), of("--look"), of("--good"), of("--bad")],
  };
}

import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import { type Column, Head, classOf, type Sorting } from "./Table";

/** Fixed, so that the place of every row is known before it is there. */
const ROW_PX = 40;

/** Browsers clip what is higher than some 17 million pixels; rows beyond are found by search and order. */
export const MOST_ROWS = 400_000;

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  /** How many rows there are, loaded or not. */
  total: number;
  /** The row at a place from 0; undefined while it is not loaded. */
  rowAt: (place: number) => Row | undefined;
  rowKey: (row: Row) => string;
  /** Called with the first and the last place in sight. */
  onSight: (first: number, last: number) => void;
  /** The place that stands first when the table appears. */
  start: number;
  sorting?: Sorting | undefined;
  onSort?: (next: Sorting) => void;
}

/** A table of any length: only what is in sight is drawn, and its owner loads what comes into sight. */
export function VirtualTable<Row>({ label, columns, total, rowAt, rowKey, onSight, start, sorting, onSort }: Props<Row>) {
  const region = useRef<HTMLDivElement>(null);
  const count = Math.min(total, MOST_ROWS);
  // oxlint-disable-next-line react/incompatible-library -- nothing of it is passed on
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => region.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    initialOffset: start * ROW_PX,
    initialRect: { width: 1000, height: 640 },
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => onSight(first, last), [first, last, onSight]);
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reachable by keyboard
    <div ref={region} className="table-scroll tall" role="region" aria-label={label} tabIndex={0}>
      <table className="table even" aria-rowcount={total + 1}>
        <thead>
          <tr aria-rowindex={1}>{columns.map((column) => <Head key={column.key} column={column} sorting={sorting} onSort={onSort} />)}</tr>
        </thead>
        <tbody>
          {above > 0 && <Gap height={above} columns={columns.length} />}
          {items.map((item) => <Line key={item.key} place={item.index} row={rowAt(item.index)} columns={columns} rowKey={rowKey} />)}
          {below > 0 && <Gap height={below} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function Gap({ height, columns }: { height: number; columns: number }) {
  return <tr aria-hidden="true"><td className="gap" colSpan={columns} style={{ height }}>{" "}</td></tr>;
}

function Line<Row>({ place, row, columns, rowKey }: { place: number; row: Row | undefined; columns: Column<Row>[]; rowKey: (row: Row) => string }) {
  const cell = (column: Column<Row>): ReactNode => (row === undefined ? <div className="skeleton" /> : column.cell(row));
  return (
    <tr aria-rowindex={place + 2} data-key={row && rowKey(row)} aria-busy={row === undefined || undefined}>
      {columns.map((column) => <td key={column.key} className={classOf(column)}>{cell(column)}</td>)}
    </tr>
  );
}

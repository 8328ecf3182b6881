import { ArrowDown, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";

export interface Column<Row> {
  key: string;
  title: string;
  /** What stands in the head in place of the title, which then names it. */
  head?: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers stand to the right. */
  num?: boolean;
  /** Left out on a phone. */
  minor?: boolean;
  /** The server sorts by it under this name. */
  sort?: string;
  /** Share of the width, or a width such as `44px`, in tables whose columns keep theirs. */
  width?: string;
}

export interface Sorting {
  by: string;
  descending: boolean;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  sorting?: Sorting | undefined;
  onSort?: (next: Sorting) => void;
}

/** A table of one page of rows; sorting is the server's. */
export function Table<Row>({ label, columns, rows, rowKey, sorting, onSort }: Props<Row>) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls sideways on narrow screens
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>{columns.map((column) => <Head key={column.key} column={column} sorting={sorting} onSort={onSort} />)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => <td key={column.key} className={classOf(column)}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  sorting: Sorting | undefined;
  onSort: ((next: Sorting) => void) | undefined;
}

/** The head of a column; it sorts where the server can. */
export function Head<Row>({ column, sorting, onSort }: HeadProps<Row>) {
  const active = sorting !== undefined && sorting.by === column.sort;
  if (!column.sort || !onSort) return <th scope="col" className={classOf(column)} style={{ width: column.width }}>{column.head ?? column.title}</th>;
  const by = column.sort;
  const order = active ? (sorting.descending ? "descending" : "ascending") : "none";
  return (
    <th scope="col" aria-sort={order} className={classOf(column)} style={{ width: column.width }}>
      <button type="button" className="sort" onClick={() => onSort({ by, descending: active ? !sorting.descending : false })}>
        {column.title}
        {active && (sorting.descending ? <ArrowDown aria-hidden="true" size={12} /> : <ArrowUp aria-hidden="true" size={12} />)}
      </button>
    </th>
  );
}

/** Where the cells of a column stand, and whether on a phone. */
export function classOf<Row>(column: Column<Row>): string {
  return `${column.num ? "num" : ""} ${column.minor ? "hide-narrow" : ""}`;
}

interface PagerProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
  /** What is counted, as in "120 devices". */
  summary?: string;
}

/** Goes through the server's pages. */
export function Pager({ page, pages, onPage, summary }: PagerProps) {
  if (pages <= 1 && !summary) return null;
  return (
    <nav className="pager" aria-label="Pages of this list">
      <span className="quiet num">{summary ? `${summary} · ` : ""}page {page} of {Math.max(pages, 1)}</span>
      <button type="button" className="button small" disabled={page <= 1} onClick={() => onPage(page - 1)}>Previous</button>
      <button type="button" className="button small" disabled={page >= pages} onClick={() => onPage(page + 1)}>Next</button>
    </nav>
  );
}

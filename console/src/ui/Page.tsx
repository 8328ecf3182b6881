import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";

interface Props {
  title: string;
  /** Where this page is, from the outside in. */
  crumbs?: { to: string; label: string }[];
  /** What stands beside the title. */
  beside?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** One page: its title, what can be done on it, its content. */
export function Page({ title, crumbs, beside, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Roadstead`;
  }, [title]);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          {crumbs && (
            <nav className="crumbs" aria-label="Where this is">
              {crumbs.map((crumb) => <span key={crumb.to}><Link to={crumb.to}>{crumb.label}</Link> /</span>)}
            </nav>
          )}
          <div className="row"><h1 className="wrap-any">{title}</h1>{beside}</div>
        </div>
        {actions}
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a name of its own. */
export function Card({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <header><h2>{title}</h2>{actions}</header>
      {children}
    </section>
  );
}

/** Facts by name. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return <dl className="facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value ?? "–"}</dd></div>)}</dl>;
}

/** Figures at a glance. */
export function Tiles({ rows }: { rows: [string, ReactNode][] }) {
  return <dl className="tiles">{rows.map(([name, value]) => <div className="tile" key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

/** Pages that belong together, as links. */
export function Tabs({ label, tabs }: { label: string; tabs: { to: string; label: string }[] }) {
  const [location] = useLocation();
  const best = tabs.filter((one) => location === one.to || location.startsWith(`${one.to}/`)).toSorted((a, b) => b.to.length - a.to.length)[0];
  const to = best?.to;
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const nav = place.current;
    const shown = to === undefined ? null : nav?.querySelector<HTMLElement>(`a[href="${CSS.escape(to)}"]`);
    // Within its own row alone: the page must not move.
    if (nav && shown) nav.scrollLeft = shown.offsetLeft - nav.offsetLeft - (nav.clientWidth - shown.offsetWidth) / 2;
  }, [to]);
  return (
    <nav ref={place} className="tabs" aria-label={label}>
      {tabs.map((one) => <Link key={one.to} to={one.to} aria-current={one === best ? "page" : undefined}>{one.label}</Link>)}
    </nav>
  );
}

/** A command to paste into a terminal. */
export function Command({ children, label = "Command" }: { children: string; label?: string }) {
  // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reachable by keyboard
  return <pre className="code" tabIndex={0} aria-label={label} role="region">{children}</pre>;
}

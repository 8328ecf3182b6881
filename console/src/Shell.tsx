import { Boxes, Building2, CircleUser, Cpu, Gauge, House, type LucideIcon, Menu as Bars, Moon, Radio, Search, Server, Sun, Webhook } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Link, useLocation } from "wouter";
import { useSignOut } from "./state/session";
import { currentTheme, setTheme } from "./state/theme";
import { setZone, useZone } from "./state/time";
import { IconButton } from "./ui/Button";
import { Keys } from "./ui/Keys";
import { Menu } from "./ui/Menu";
import { sayError } from "./ui/Toast";

const Palette = lazy(() => import("./palette/Palette"));

interface Place {
  to: string;
  label: string;
  icon: LucideIcon;
  /** Of those who run the server. */
  adminOnly?: boolean;
}

const PLACES: Place[] = [
  { to: "/home", label: "Home", icon: House },
  { to: "/products", label: "Products", icon: Boxes },
  { to: "/organizations", label: "Organizations", icon: Building2 },
  { to: "/devices", label: "My devices", icon: Cpu },
  { to: "/events", label: "Events", icon: Radio },
  { to: "/integrations", label: "Integrations", icon: Webhook },
  { to: "/plan", label: "Plan and usage", icon: Gauge },
  { to: "/account", label: "Account", icon: CircleUser },
  { to: "/server", label: "Server", icon: Server, adminOnly: true },
];

/** What surrounds every page: where one can go, who is signed in. */
export function Shell({ username, isAdmin, children }: { username: string; isAdmin: boolean; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const [finding, setFinding] = useState(false);
  const [path, navigate] = useLocation();
  const signOut = useSignOut();
  const leave = async () => {
    try {
      await signOut();
      navigate("/sign-in");
    } catch (error) {
      sayError("You are still signed in", error);
    }
  };
  return (
    <div className="shell">
      <a className="skip" href="#main">Skip to content</a>
      <header className="bar">
        <IconButton label="Menu" className="only-narrow" aria-expanded={open} onClick={() => setOpen(!open)}><Bars aria-hidden="true" size={18} /></IconButton>
        <Link to="/home" className="brand"><img src="/assets/icon.svg" alt="" width="22" height="22" />Roadstead</Link>
        <span className="grow" />
        <button type="button" className="button small" onClick={() => setFinding(true)} aria-keyshortcuts="Control+K"><Search aria-hidden="true" /><span className="only-wide">Go to… <kbd className="mono">Ctrl K</kbd></span><span className="sr only-narrow">Go to a page or a device</span></button>
        <ZoneSwitch />
        <ThemeSwitch />
        <Menu label={`Signed in as ${username}`} trigger={<span className="row"><CircleUser aria-hidden="true" size={16} /><span className="only-wide">{username}</span></span>} items={[{ label: "Account", act: () => navigate("/account") }, { label: "Sign out", act: () => void leave() }]} />
      </header>
      <nav className={`side ${open ? "open" : ""}`} aria-label="Pages">
        {PLACES.filter((one) => isAdmin || !one.adminOnly).map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} onClick={() => setOpen(false)} aria-current={path === to || path.startsWith(`${to}/`) ? "page" : undefined}>
            <Icon aria-hidden="true" />{label}
          </Link>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>{children}</main>
      <Keys onFind={() => setFinding(true)} />
      {finding && <Suspense fallback={null}><Palette places={PLACES.filter((one) => isAdmin || !one.adminOnly)} onClose={() => setFinding(false)} /></Suspense>}
    </div>
  );
}

function ZoneSwitch() {
  const zone = useZone();
  return (
    <button type="button" className="button plain small only-wide" title="Times are shown in this zone" onClick={() => setZone(zone === "UTC" ? "local" : "UTC")}>
      {zone === "UTC" ? "UTC" : "Local time"}
    </button>
  );
}

function ThemeSwitch() {
  const [theme, change] = useState(currentTheme);
  const next = theme === "dark" ? "light" : "dark";
  const flip = () => {
    setTheme(next);
    change(next);
  };
  return <IconButton label={`Use ${next} colours`} onClick={flip}>{theme === "dark" ? <Sun aria-hidden="true" size={16} /> : <Moon aria-hidden="true" size={16} />}</IconButton>;
}

import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Link } from "wouter";
import { type Permission, useRefusal } from "../state/rights";
import { say } from "./Toast";

type Kind = "primary" | "danger" | "plain" | "normal";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  small?: boolean;
  /** Shows that its act is under way; it takes no click meanwhile. */
  busy?: boolean;
  icon?: ReactNode;
  /** The right that the act needs where it is shown. Without it the button says who has it. */
  needs?: Permission | undefined;
}

/** An act. Its words name the act. */
export function Button({ kind = "normal", small, busy, icon, needs, children, className = "", ...rest }: Props) {
  const refusal = useRefusal()(needs);
  if (refusal !== null) return <Refused small={small} label={rest["aria-label"]} why={refusal}>{icon}{children}</Refused>;
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || busy}
      aria-busy={busy || undefined}
      className={`button ${kind} ${small ? "small" : ""} ${className}`}
    >
      {busy ? <span className="spin" aria-hidden="true" /> : icon}
      {children}
    </button>
  );
}

/** Can be reached by keyboard and finger, so that everybody can learn why it does nothing. */
function Refused({ small, label, why, children }: { small: boolean | undefined; label: string | undefined; why: string; children: ReactNode }) {
  return (
    <button type="button" aria-disabled="true" aria-label={label} title={why} className={`button refused ${small ? "small" : ""}`} onClick={() => say(why)}>
      {children}
    </button>
  );
}

interface LinkProps {
  to: string;
  kind?: Kind;
  small?: boolean;
  icon?: ReactNode;
  needs?: Permission | undefined;
  children: ReactNode;
}

/** A way to another page that looks like a button. */
export function ButtonLink({ to, kind = "normal", small, icon, needs, children }: LinkProps) {
  const refusal = useRefusal()(needs);
  if (refusal !== null) return <Refused small={small} label={undefined} why={refusal}>{icon}{children}</Refused>;
  return (
    <Link to={to} className={`button ${kind} ${small ? "small" : ""}`}>
      {icon}
      {children}
    </Link>
  );
}

interface IconProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What it does, for those who do not see the icon. */
  label: string;
}

/** An act shown by an icon alone. */
export function IconButton({ label, children, className = "", ...rest }: IconProps) {
  return (
    <button type="button" aria-label={label} title={label} {...rest} className={`icon-button ${className}`}>
      {children}
    </button>
  );
}

import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Link } from "wouter";

type Kind = "primary" | "danger" | "plain" | "normal";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  small?: boolean;
  /** Shows that its act is under way; it takes no click meanwhile. */
  busy?: boolean;
  icon?: ReactNode;
}

/** An act. Its words name the act. */
export function Button({ kind = "normal", small, busy, icon, children, className = "", ...rest }: Props) {
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

interface LinkProps {
  to: string;
  kind?: Kind;
  small?: boolean;
  icon?: ReactNode;
  children: ReactNode;
}

/** A way to another page that looks like a button. */
export function ButtonLink({ to, kind = "normal", small, icon, children }: LinkProps) {
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

import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useId, useRef, useState } from "react";
import { Button, IconButton } from "./Button";
import { TextField } from "./Field";
import { ErrorNote } from "./States";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  wide?: boolean;
}

const FIELDS = "input:not([type=hidden]):not([type=file]), select, textarea";

/** A layer that asks for something before the page goes on. Esc closes it. */
export function Dialog({ open, onClose, title, children, wide }: Props) {
  const popup = useRef<HTMLDivElement>(null);
  // The first field, so that one can type at once; not on a touch screen, where a keyboard would cover the rest.
  const first = (how: string) => (how === "touch" ? true : (popup.current?.querySelector<HTMLElement>(FIELDS) ?? true));
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup ref={popup} initialFocus={first} className={`dialog ${wide ? "wide" : ""}`}>
          <div className="row">
            <Base.Title className="grow">{title}</Base.Title>
            <IconButton label="Close" onClick={onClose}><X aria-hidden="true" size={16} /></IconButton>
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  /** Verb and object, as in "Remove pump-0042?" */
  title: string;
  /** What it touches, by how many. */
  children: ReactNode;
  /** The verb on the button. */
  verb: string;
  /** A word that must be typed first; for what touches many. */
  typed?: string;
  /** Carries it out; an error that it throws is shown and the dialog stays. */
  act: () => Promise<unknown>;
}

/** Asks before what cannot be undone. */
export function ConfirmDialog({ open, onClose, title, children, verb, typed, act }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [text, setText] = useState("");
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    setError(null);
    setText("");
    onClose();
  };
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && close()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className="dialog" initialFocus={cancel} aria-describedby={id}>
          <Base.Title>{title}</Base.Title>
          <div id={id} className="stack tight">{children}</div>
          {typed && <TextField label={`Type ${typed} to go on`} value={text} onChange={(e) => setText(e.target.value)} autoComplete="off" />}
          {error !== null && <ErrorNote error={error} />}
          <div className="actions">
            <button type="button" className="button" ref={cancel} onClick={close}>Cancel</button>
            <Button kind="danger" busy={busy} disabled={typed !== undefined && text !== typed} onClick={() => void run()}>{verb}</Button>
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

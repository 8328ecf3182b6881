import { useEffect, useRef, useState } from "react";
import { Dialog } from "./Dialog";

const KEYS: [string, string][] = [
  ["Ctrl K", "to any page, product or device, by its name"],
  ["/", "to the search of this page"],
  ["?", "this help"],
  ["Esc", "closes what is on top"],
  ["Tab", "to the next thing; Shift and Tab to the one before"],
  ["Enter, Space", "does it"],
];

/** Keys that work on every page, and the help that names them. */
export function Keys({ onFind }: { onFind: () => void }) {
  const [open, setOpen] = useState(false);
  const find = useRef(onFind);
  useEffect(() => {
    find.current = onFind;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        find.current();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "?") setOpen(true);
      else if (event.key === "/") focusSearch(event);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return (
    <Dialog open={open} onClose={() => setOpen(false)} title="Keys">
      <dl className="facts">{KEYS.map(([key, what]) => <div key={key}><dt><kbd className="chip mono">{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

function focusSearch(event: KeyboardEvent): void {
  const search = document.querySelector<HTMLInputElement>('main input[type="search"]');
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

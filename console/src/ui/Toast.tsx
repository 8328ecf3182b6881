import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/errors";

const manager = Base.createToastManager();

/** Tells that something was done. */
export function say(text: string): void {
  manager.add({ title: text, type: "good" });
}

/** Tells that something has failed, in the server's words. */
export function sayError(title: string, error: unknown): void {
  const description = error instanceof Error ? error.message : String(error);
  const request = error instanceof ApiError && error.requestId ? ` (request ${error.requestId})` : "";
  manager.add({ title, description: description + request, type: "bad", timeout: 12_000 });
}

/** Tells what was done and offers to take it back for eight seconds. */
export function sayUndo(text: string, undo: () => void): void {
  manager.add({ title: text, type: "good", timeout: 8000, actionProps: { children: "Undo", onClick: undo } });
}

/** The place where they appear; in the tree from the start, so that screen readers notice. */
export function ToastRegion({ children }: { children: ReactNode }) {
  return (
    <Base.Provider toastManager={manager}>
      {children}
      <Base.Portal>
        <Base.Viewport className="toasts">
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function List() {
  const { toasts } = Base.useToastManager();
  return toasts.map((toast) => (
    <Base.Root key={toast.id} toast={toast} className="toast">
      <div className="grow">
        <Base.Title render={<div className="title" />} />
        <Base.Description render={<div className="wrap-any" />} />
      </div>
      {toast.actionProps && <Base.Action className="button small" />}
      <Base.Close className="icon-button" aria-label="Close this message"><X aria-hidden="true" size={14} /></Base.Close>
    </Base.Root>
  ));
}

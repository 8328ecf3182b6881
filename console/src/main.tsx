import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { isRetryable } from "./api/errors";
import { ToastRegion } from "./ui/Toast";
import "./tokens.css";
import "./base.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 300_000,
      retry: (count, error) => count < 2 && isRetryable(error),
      refetchOnWindowFocus: true,
    },
  },
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queries}>
          <ToastRegion>
            <App />
          </ToastRegion>
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}

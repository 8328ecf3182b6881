import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where `npm run dev` finds the server. */
const server = "http://127.0.0.1:8080";

// The server's policy allows nothing inline and nothing from elsewhere, so nothing may be inlined.
export default defineConfig({
  base: "/assets/",
  plugins: [react()],
  build: {
    outDir: "../src/roadstead/console/static",
    emptyOutDir: true,
    assetsDir: "chunks",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/oauth", "/healthz", "/openapi.json", "/docs"].map((path) => [path, server]),
    ),
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
} as Parameters<typeof defineConfig>[0]);

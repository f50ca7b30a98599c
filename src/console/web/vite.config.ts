import { defineConfig } from "vite";

/** The console's page: everything it needs is in the build, nothing comes from another server. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: {
    outDir: "../../../dist/console/web",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: { "/api": "http://127.0.0.1:8087", "/live": { target: "ws://127.0.0.1:8087", ws: true } },
  },
});

// Builds the dashboard's page: host/dashboard/page → dist/dashboard.

import { defineConfig } from "vite"

export default defineConfig({
  root: "host/dashboard/page",
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "../../../dist/dashboard", emptyOutDir: true },
})

/** The pages, built into the gateway's package, which serves them from `/` and `/assets/`. */
import { defineConfig } from "vitest/config";

const gateway = "http://localhost:8080";

export default defineConfig({
  appType: "mpa",
  build: {
    outDir: "../gateway/pages",
    emptyOutDir: true,
    // No data: URLs and no inline helper script, so that a strict Content-Security-Policy holds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["index.html", "live-stream.html", "studio.html", "talkback.html"],
    },
  },
  server: {
    proxy: {
      "/api": gateway,
      "/whip": gateway,
      "/whep": gateway,
      "/sessions": gateway,
      "/socket.io": { target: gateway, ws: true },
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
  },
});

// Reads each file with Mermaid's own parser and prints how many nodes and edges it found.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [home, ...files] = process.argv.slice(2);
const require = createRequire(`${home}/package.json`);

// Labels are sanitised by way of a document.
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;

const entry = `${home}/node_modules/mermaid/dist/mermaid.core.mjs`;
const { default: mermaid } = await import(pathToFileURL(entry));
mermaid.initialize({ maxTextSize: 10_000_000, maxEdges: 100_000 });
for (const file of files) {
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(readFileSync(file, "utf8"));
  const edges = diagram.db.getEdges();
  console.log(diagram.type, diagram.db.getVertices().size, edges.length);
}

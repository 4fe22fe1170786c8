// Makes the modules of this folder from the npm packages that package.json pins, and
// vendor.json, the list of what they are. Run it with `npm ci && npm run vendor`.
//
// Each package becomes one ES module that a browser loads as it is. Where one
// imports another, the bare name becomes a relative path, so that the pages need no
// import map and their content security policy allows no inline script.
//
//   node vendor/vendor.mjs           writes the folder
//   node vendor/vendor.mjs --check   fails if a file is not what vendor.json says

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const folder = new URL(".", import.meta.url);

/** What is imported -> the module it becomes. */
const modules = {
  preact: "preact.js",
  "preact/hooks": "hooks.js",
  "@preact/signals-core": "signals-core.js",
  "@preact/signals": "signals.js",
  htm: "htm.js",
  centrifuge: "centrifuge.js",
};

await (process.argv.includes("--check") ? check() : make());

async function make() {
  const { build } = await import("esbuild");
  const files = [];
  for (const [name, file] of Object.entries(modules)) {
    const { outputFiles } = await build({
      stdin: { contents: await reexport(name), resolveDir: fileURLToPath(folder), loader: "js" },
      bundle: true,
      format: "esm",
      target: "es2022",
      charset: "utf8",
      legalComments: "inline",
      write: false,
      plugins: [siblings(name)],
    });
    const { version, license } = await manifest(name);
    const banner = `// ${packageOf(name)} ${version} (${license}), made by vendor.mjs. Do not edit.\n`;
    const text = banner + outputFiles[0].text;
    await writeFile(new URL(file, folder), text);
    files.push({ file, name, package: packageOf(name), version, license, sha256: hash(text) });
  }
  await writeFile(new URL("vendor.json", folder), JSON.stringify({ files }, null, 2) + "\n");
}

async function check() {
  const { files } = JSON.parse(await readFile(new URL("vendor.json", folder), "utf8"));
  for (const { file, sha256 } of files) {
    const found = hash(await readFile(new URL(file, folder)));
    if (found !== sha256) {
      console.error(`vendor/${file} is ${found}, vendor.json says ${sha256}`);
      process.exitCode = 1;
    }
  }
}

/** htm has a default export only; the others are passed on by their names. @param {string} name */
async function reexport(name) {
  return name === "htm" ? 'export { default } from "htm";' : `export * from ${JSON.stringify(name)};`;
}

/** Leaves imports of the other modules as relative paths. @param {string} self */
function siblings(self) {
  return {
    name: "siblings",
    /** @param {import("esbuild").PluginBuild} build */
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
        const file = /** @type {Record<string, string>} */ (modules)[path];
        if (file && path !== self && importer) return { path: `./${file}`, external: true };
      });
    },
  };
}

/** @param {string} name */
function packageOf(name) {
  return name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/");
}

/** @param {string} name */
async function manifest(name) {
  return JSON.parse(await readFile(new URL(`../node_modules/${packageOf(name)}/package.json`, folder), "utf8"));
}

/** @param {string | Uint8Array} text */
function hash(text) {
  return createHash("sha256").update(text).digest("hex");
}

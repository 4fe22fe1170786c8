import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (/** @type {string} */ name) => readFileSync(join(root, name), "utf8");
const folders = ["app", "pos", "desk", "shared"];

/** @param {string} ext */
function files(ext) {
  return folders.flatMap((folder) => list(folder, ext));
}

/** @param {string} folder @param {string} ext */
function list(folder, ext) {
  return readdirSync(join(root, folder)).filter((name) => name.endsWith(ext)).map((name) => join(folder, name));
}

test("the vendored modules are those that vendor.json lists", () => {
  const listed = JSON.parse(read("vendor/vendor.json")).files;
  assert.deepEqual(listed.map((/** @type {any} */ f) => join("vendor", f.file)).sort(), list("vendor", ".js").sort());
  for (const { file, sha256 } of listed) {
    assert.equal(createHash("sha256").update(read(`vendor/${file}`)).digest("hex"), sha256, `${file} was changed`);
  }
});

test("the vendored versions are those that package.json pins", () => {
  const pinned = JSON.parse(read("package.json")).devDependencies;
  for (const { package: name, version } of JSON.parse(read("vendor/vendor.json")).files) {
    if (name in pinned) assert.equal(version, pinned[name], name);
  }
});

for (const file of [...files(".js"), ...list("vendor", ".js")]) {
  test(`${file} imports only files that are there`, () => {
    for (const [, from] of read(file).matchAll(/^(?:import|export)\b[^;]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"/gm)) {
      if (!from) continue;
      assert.match(from, /^\.\.?\//, `${from} needs an import map`);
      assert.ok(existsSync(join(root, dirname(file), from)), `${from} is not there`);
    }
  });
}

for (const file of ["index.html", ...files("index.html")]) {
  test(`${file} needs no other site and no inline script`, () => {
    const page = read(file);
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style|(?:src|href)="(?:https?:)?\/\//);
    for (const [, href] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      if (href === "/docs/") continue; // the hub makes it
      const at = join(root, dirname(file), href.endsWith("/") ? `${href}index.html` : href);
      assert.ok(existsSync(at), `${href} is not there`);
    }
  });
}

/** The classes that a page's views name. @param {string} folder */
function classesOf(folder) {
  return new Set(list(folder, ".js").flatMap((file) => [...read(file).matchAll(/class="([^"]*)"/g)].flatMap(([, names]) => names.match(/[\w-]+/g) ?? [])));
}

// The front page shows all three, so what is said of a class at the top of a sheet holds in each.
for (const page of ["app", "pos", "desk"]) {
  test(`the style of ${page} touches no other page`, () => {
    const own = [...read(`${page}/${page}.css`).matchAll(/^  \.([\w-]+)(?= \{|,)/gm)].map(([, name]) => name);
    for (const other of folders.filter((folder) => folder !== page)) {
      const theirs = classesOf(other);
      assert.deepEqual(own.filter((name) => theirs.has(name)), [], other);
    }
  });
}

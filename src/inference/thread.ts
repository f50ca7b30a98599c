/** URL of a compiled module of this folder, also when this file itself runs from source (as it does under the test runner). */
export function compiledModule(name: string): URL {
  const here = import.meta.url.replace("/src/inference/", "/dist/inference/");
  return new URL(`./${name}.js`, here);
}

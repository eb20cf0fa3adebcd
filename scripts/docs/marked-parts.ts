/**
 * A page that is written by hand, with generated parts between marks: `<!-- options -->` begins the part named `options`, and
 * `<!-- /options -->` ends it. Throws for a name in `parts` that the page does not mark.
 */
export function withParts(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, content]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const from = text.indexOf(start);
    const to = text.indexOf(end);
    if (from < 0 || to < from) {
      throw new Error(`The page has no part between ${start} and ${end}.`);
    }
    return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
  }, page);
}

/** Whether a page marks a part. */
export function hasPart(page: string, name: string): boolean {
  return page.includes(`<!-- ${name} -->`);
}

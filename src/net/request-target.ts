/**
 * The path of a request's target, decoded, without the query; of an absolute-form target (`http://host/path`) its path. What cannot be
 * decoded stays as it is.
 */
export function pathOf(target: string): string {
  const [path = ""] = originForm(target).split("?", 1);
  if (!path.includes("%")) {
    return path;
  }
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The target without the scheme and the host that an absolute-form target begins with. */
export function originForm(target: string): string {
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target);
  if (match === null) {
    return target;
  }
  const rest = target.slice(match[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

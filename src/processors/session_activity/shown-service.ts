import { hasIdShape } from "../../metrics/id-shape.ts";

/** A longer name is not shown. */
const maxNameLength = 100;

/** The name of a service for our log. A name that looks like an id may be one, and no id of a sender is in our log. */
export function shownService(service: string): string {
  if (service === "") {
    return "without a name";
  }
  const isName = service.length <= maxNameLength && /^[A-Za-z0-9_.:/ -]+$/.test(service);
  return isName && !hasIdShape(service) ? service : "not shown, because it may be an id";
}

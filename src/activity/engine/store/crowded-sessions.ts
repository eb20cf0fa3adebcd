import { mostSearchedTogether, type SearchLimits } from "../../model/limits.ts";
import type { ActivityStore } from "./activity-store.ts";
import { Search } from "./search.ts";

/**
 * Whether a session has more rows than the searches of one decision read: open work, and runs that may hold some. What its open work
 * does together is not looked for then.
 */
export function isCrowded(
  { groups, live }: ActivityStore,
  group: number,
  limits: SearchLimits,
): boolean {
  const most = mostSearchedTogether(limits);
  if (groups.openOwners.get(group) + groups.openMarkers.get(group) > most) {
    return true;
  }
  const search = new Search(most);
  for (let owner = live.first.get(group); owner !== -1 && search.reads(); ) {
    owner = live.after.get(owner);
  }
  return search.isCut;
}

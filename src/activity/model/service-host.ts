/** A place is a host and a service on it; so many bits are the service's. */
const serviceBits = 14;

/** A number for a place; `host` and `service` are numbers from 1 up to 16 383. */
export function serviceHostOf(host: number, service: number): number {
  return (host << serviceBits) | service;
}

/** The host of a place; 0 when the place is not known. */
export function hostOf(place: number): number {
  return place >>> serviceBits;
}

/** The service of a place; 0 when the place is not known. */
export function serviceOf(place: number): number {
  return place & ((1 << serviceBits) - 1);
}

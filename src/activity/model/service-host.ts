/** A service host is a service on a host, as one number. The low bits are the service's. */
const serviceBits = 14;

/** The number of a service host. `host` and `service` are numbers from 1 to 16 383; 0 is unknown. */
export function serviceHostOf(host: number, service: number): number {
  return (host << serviceBits) | service;
}

/** The host of a service host; 0 if unknown. */
export function hostOf(serviceHost: number): number {
  return serviceHost >>> serviceBits;
}

/** The service of a service host; 0 if unknown. */
export function serviceOf(serviceHost: number): number {
  return serviceHost & ((1 << serviceBits) - 1);
}

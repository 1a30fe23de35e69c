/** Lays a method over one of the object's own class, for this object alone and unseen by whoever lists its properties. */
export function layOver(object: object, name: PropertyKey, method: unknown): void {
  Object.defineProperty(object, name, { value: method, configurable: true, writable: true, enumerable: false });
}

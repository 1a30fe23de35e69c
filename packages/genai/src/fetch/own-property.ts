/** Lays a method over one of the object's own class, for this object alone and unseen by whoever lists its properties. */
export function layOver<Name extends PropertyKey>(object: object, name: Name, method: unknown): void {
  Object.defineProperty(object, name, { value: method, configurable: true, writable: true, enumerable: false });
}

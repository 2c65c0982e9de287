/** GPU numbers of one host, each given once but where a graph says that replicas share one. */
export class HostDevices {
  readonly #bySlot = new Map<string, string>();
  #next = 0;

  /** How many have been given. */
  get count(): number {
    return this.#next;
  }

  /** Devices for a replica: new ones, or those of its slots (`LOCAL_ANNOTATION.gpuSlots`) where it has one for each. */
  take(count: number, slots: readonly string[]): readonly string[] {
    if (slots.length !== count) return Array.from({ length: count }, () => this.#new());
    return slots.map((slot) => {
      const device = this.#bySlot.get(slot) ?? this.#new();
      this.#bySlot.set(slot, device);
      return device;
    });
  }

  #new(): string {
    this.#next += 1;
    return String(this.#next - 1);
  }
}

// What is to happen, in order of time: a binary heap, because there are millions.

export interface Event {
  readonly atMs: number;
  readonly id: number;
}

export class EventQueue {
  readonly #heap: Event[] = [];

  add(atMs: number, id: number): void {
    const heap = this.#heap;
    const event = { atMs, id };
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.atMs <= atMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** The earliest. */
  take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      let least = left;
      if (right !== undefined && right.atMs < left.atMs) {
        least = right;
        child += 1;
      }
      if (least.atMs >= last.atMs) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

// The process's own metrics, under the names that every dashboard expects.
import { Counter, Gauge, type Registry } from 'prom-client';

/** Declares what is cheap to know of this process; the result reads it. */
export function declareProcess(registry: Registry): () => void {
  const registers = [registry];
  const of = (name: string, help: string) => ({ name: `process_${name}`, help, registers });
  const cpu = new Counter(of('cpu_seconds_total', 'User and system time of this process.'));
  const memory = new Gauge(of('resident_memory_bytes', 'Resident memory of this process.'));
  const start = new Gauge(of('start_time_seconds', 'When this process started, as Unix time.'));
  start.set(Math.round(performance.timeOrigin / 1000));
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    memory.set(process.memoryUsage.rss());
  };
}

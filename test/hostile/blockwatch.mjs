/**
 * Loaded into the hub before its own code: writes down the longest time in which the event loop was kept by the hub's own work, and how
 * large the process became. A gap between two ticks counts as far as this thread was computing in it: what another program took of the
 * processor is not the hub's fault.
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.SALLYPORT_BLOCKWATCH;
if (file !== undefined && isMainThread) {
  const tickMs = 10;
  let lastMs = performance.now();
  let lastCpu = process.threadCpuUsage();
  let longestMs = 0;
  let sinceWrite = 0;
  setInterval(() => {
    const nowMs = performance.now();
    const cpu = process.threadCpuUsage();
    const workedMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000;
    longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, workedMs));
    lastMs = nowMs;
    lastCpu = cpu;
    if (++sinceWrite < 10) return;
    sinceWrite = 0;
    const rss = process.memoryUsage.rss();
    appendFileSync(file, `${JSON.stringify({ longestMs, rss })}\n`);
    // What was is told once; each look is of the time since the last.
    longestMs = 0;
  }, tickMs).unref();
}

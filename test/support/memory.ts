/** What this thread holds, in bytes. The size of the process counts the other threads of the tests too. */
export function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Divides `total` between parties: nobody gets more than it asks for, and what the modest leave is shared by the others.
 * @returns what each party gets, in their order
 */
export function shareFairly(wants: readonly number[], total: number): number[] {
  const shares = wants.map(() => 0);
  let left = total;
  const bySize = wants.map((want, index) => ({ want, index })).sort((a, b) => a.want - b.want);
  for (const [served, { want, index }] of bySize.entries()) {
    const share = Math.max(0, Math.min(want, Math.floor(left / (bySize.length - served))));
    shares[index] = share;
    left -= share;
  }
  return shares;
}

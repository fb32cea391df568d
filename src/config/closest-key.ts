/** Finding the word that was meant. Pure. */

const MAX_LENGTH = 64

/** The candidate that differs by the fewest typing errors, if those are few for its length; case does not count. */
export function closestKey(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const allowed = Math.max(1, Math.floor(text.length / 4))
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase())
    if (distance <= allowed && distance < (best?.distance ?? Infinity)) best = { candidate, distance }
  }
  return best?.candidate
}

/** Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours. O(a · b). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = cell(previous, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const swaps = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(
        Math.min(
          replaced,
          cell(previous, column) + 1,
          cell(current, column - 1) + 1,
          swaps ? cell(before, column - 2) + 1 : Infinity,
        ),
      )
    }
    before = previous
    previous = current
  }
  return cell(previous, b.length)
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}

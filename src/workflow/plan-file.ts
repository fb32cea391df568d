/** The plan as JSON, for programs and for later runs: errors become code, message and hint. */
import { messageOf } from '../base/errors.ts'
import type { Plan } from '../plan/plan-types.ts'

export function planJson(plan: Plan): string {
  return `${JSON.stringify(
    {
      ...plan,
      unresolved: plan.unresolved.map(({ error, ...image }) => ({
        ...image,
        error: { code: error.code, message: messageOf(error), hint: error.hint },
      })),
    },
    undefined,
    1,
  )}\n`
}

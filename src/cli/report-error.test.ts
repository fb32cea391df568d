import { describe, expect, it } from 'vitest'
import { AirliftError } from '../base/errors.ts'
import { createStyle } from './render/style.ts'
import { renderError } from './report-error.ts'

const STYLE = createStyle({ hasColor: false, hasUnicode: false })

describe('renderError', () => {
  it('says code, message and hint of what a user can mend', () => {
    const error = new AirliftError('TIMEOUT', 'no answer\nfrom \u001B[31mx', { hint: 'wait' })

    expect(renderError(error, STYLE)).toBe('error [TIMEOUT]: no answer\n  from �[31mx\nhint: wait\n')
  })

  it('says the cause where it adds something', () => {
    const error = new AirliftError('DISK_FAILED', 'writing the plan failed', { cause: new Error('ENOSPC') })

    expect(renderError(error, STYLE)).toBe('error [DISK_FAILED]: writing the plan failed: ENOSPC\n')
  })

  it('shows the stack of our own mistakes and asks for a report', () => {
    const text = renderError(new TypeError('x is not a function'), STYLE)

    expect(text).toMatch(/^error: this is a mistake in airlift, please report it/)
    expect(text).toContain('TypeError: x is not a function\n      at ')
  })
})

import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createPrompt } from './prompt.ts'

/** Answers each question, once it stands on the screen, with the next of `lines`. */
function person(questions: readonly (readonly [question: string, answer: string])[]): {
  readonly input: PassThrough
  readonly output: PassThrough
  readonly screen: () => string
} {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let [screen, seen] = ['', 0]
  const left = [...questions]
  output.on('data', (chunk: Buffer) => {
    screen += chunk.toString()
    const [next] = left
    if (next === undefined || !screen.slice(seen).includes(next[0])) return
    left.shift()
    seen = screen.length
    setImmediate(() => input.write(next[1]))
  })
  return { input, output, screen: () => screen }
}

describe('the prompt', () => {
  it('asks for user name and password, and does not show the password', async () => {
    const { screen, ...streams } = person([
      ['User name', 'ada\r'],
      ['Password', 'secret\r'],
    ])
    const ask = createPrompt({ ...streams, signal: new AbortController().signal })

    expect(await ask('mirror.example:5000', 'target')).toEqual({ username: 'ada', password: 'secret' })
    expect(screen()).toContain('User name for the target registry mirror.example:5000')
    expect(screen()).not.toContain('secret')
  })

  it('asks about one registry after the other', async () => {
    const { screen, ...streams } = person([
      ['first.example', 'ada\r'],
      ['Password', 'one\r'],
      ['second.example', 'bob\r'],
      ['Password', 'two\r'],
    ])
    const ask = createPrompt({ ...streams, signal: new AbortController().signal })

    expect(await Promise.all([ask('first.example', 'source'), ask('second.example', 'target')])).toEqual([
      { username: 'ada', password: 'one' },
      { username: 'bob', password: 'two' },
    ])
    expect(screen().indexOf('second.example')).toBeGreaterThan(screen().indexOf('Password'))
  })

  it.each([
    ['gives no name', [['User name', '\r']]],
    ['cancels', [['User name', '\u0003']]],
    [
      'cancels at the password',
      [
        ['User name', 'ada\r'],
        ['Password', '\u0003'],
      ],
    ],
  ] as const)('has no answer where the person %s', async (_what, answers) => {
    const { screen: _screen, ...streams } = person(answers)
    const ask = createPrompt({ ...streams, signal: new AbortController().signal })

    expect(await ask('mirror.example', 'target')).toBeUndefined()
  })
})

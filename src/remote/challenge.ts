/**
 * Reads `WWW-Authenticate`: one header or several, each with any number of
 * challenges. Pure, linear, and never throws: what cannot be read is skipped.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1
 */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string
  /** Names in lower case; the first of two equal names counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const MAX_LENGTH = 8192
const MAX_CHALLENGES = 32
const SEPARATORS = /[\s,]*/y
const SPACE = /[ \t]*/y
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y
const QUOTED = /"(?<text>(?:[^"\\]|\\.)*)"?/sy
const BARE = /[^\s,"]*/y
const REST = /[^,]*/y

export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => new ChallengeReader(header.slice(0, MAX_LENGTH)).read()).slice(0, MAX_CHALLENGES)
}

class ChallengeReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Challenge[] {
    const challenges: { scheme: string; parameters: Map<string, string> }[] = []
    for (;;) {
      this.#take(SEPARATORS)
      if (this.#at >= this.#text.length) return challenges
      const word = this.#take(TOKEN)
      if (word === '') {
        // Neither a scheme nor a parameter can start here.
        this.#at += 1
        this.#take(REST)
        continue
      }
      const current = challenges.at(-1)
      const isParameter = this.#takeEquals()
      if (!isParameter) {
        challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
        this.#take(TOKEN68)
        continue
      }
      const value = this.#value()
      const name = word.toLowerCase()
      if (current !== undefined && !current.parameters.has(name)) current.parameters.set(name, value)
    }
  }

  /** After a word: moves behind `=`, or behind the blanks where there is none. */
  #takeEquals(): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] !== '=') return false
    this.#at += 1
    this.#take(SPACE)
    return true
  }

  #value(): string {
    if (this.#text[this.#at] !== '"') return this.#take(BARE)
    QUOTED.lastIndex = this.#at
    const match = QUOTED.exec(this.#text)
    this.#at = QUOTED.lastIndex
    return (match?.groups?.['text'] ?? '').replace(/\\(?<char>.)/gs, '$<char>')
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found = ''] = pattern.exec(this.#text) ?? []
    this.#at += found.length
    return found
  }
}

/**
 * What is sent to a token service, and what its answer means. Pure.
 *
 * Spec: https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/
 */
import type { Challenge } from './challenge.ts'
import type { Scope } from './scope.ts'

export interface Token {
  readonly value: string
  /** On our clock; a margin before the service's own end. */
  readonly expiresAtMs: number
  readonly refreshToken?: string
}

export interface TokenQuery {
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: readonly Scope[]
}

const CLIENT_ID = 'airlift'
/** What the specification has a token last that does not say. */
const DEFAULT_SECONDS = 60
const LONGEST_SECONDS = 24 * 3600
const LONGEST_MARGIN_SECONDS = 30

/** `undefined` where the challenge names no usable realm. */
export function tokenRealm(challenge: Challenge, options: { readonly allowHttp: boolean }): URL | undefined {
  const text = challenge.parameters.get('realm') ?? ''
  const realm = URL.canParse(text) ? new URL(text) : undefined
  const isAllowed = realm?.protocol === 'https:' || (realm?.protocol === 'http:' && options.allowHttp)
  return isAllowed && realm?.username === '' ? realm : undefined
}

export function tokenUrl({ realm, service, scopes }: TokenQuery, account: string | undefined): URL {
  const url = new URL(realm)
  if (account !== undefined) url.searchParams.set('account', account)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  return url
}

export function refreshForm({ service, scopes }: TokenQuery, refreshToken: string): string {
  return new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    ...(service !== undefined && { service }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    refresh_token: refreshToken,
  }).toString()
}

export interface TokenClock {
  readonly nowMs: number
  /** `Date` of the answer: the service's clock, which `issued_at` is on too. */
  readonly date: string | undefined
}

/** `undefined` where the answer holds no token that can be sent. */
export function parseToken(body: string, clock: TokenClock): Token | undefined {
  const json = parseObject(body)
  const value = [json['token'], json['access_token']].find((text) => typeof text === 'string' && text !== '')
  if (typeof value !== 'string' || !isSendable(value)) return undefined
  const refreshToken = json['refresh_token']
  return {
    value,
    expiresAtMs: clock.nowMs + usableSeconds(json, clock) * 1000,
    ...(typeof refreshToken === 'string' && isSendable(refreshToken) && { refreshToken }),
  }
}

/** Age is told on the service's own clock, so that ours may be wrong. */
function usableSeconds(json: Readonly<Record<string, unknown>>, { nowMs, date }: TokenClock): number {
  const lasts = typeof json['expires_in'] === 'number' ? json['expires_in'] : DEFAULT_SECONDS
  const issuedMs = typeof json['issued_at'] === 'string' ? Date.parse(json['issued_at']) : Number.NaN
  const serverMs = date === undefined ? Number.NaN : Date.parse(date)
  const age = ((Number.isFinite(serverMs) ? serverMs : nowMs) - issuedMs) / 1000
  const left = Math.min(Math.max(lasts, 0), LONGEST_SECONDS) - (Number.isFinite(age) ? Math.max(age, 0) : 0)
  return left - Math.min(LONGEST_MARGIN_SECONDS, Math.max(lasts, 0) / 10)
}

function isSendable(token: string): boolean {
  return token.length <= 65_536 && /^[\u0021-\u007e]+$/.test(token)
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body)
    return json !== null && typeof json === 'object' ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/**
 * Authorises requests to one registry.
 *
 * What the registry asked for last is known, so that a request carries its token
 * at once; a 401 brings a new challenge, and is answered once. Credentials go to
 * the registry itself and to the realm that it names, over TLS unless the
 * registry is an insecure one.
 */
import { AirliftError, isAirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import type { RefusedAnswer } from './blob-orders.ts'
import { parseChallenges } from './challenge.ts'
import type { Challenge } from './challenge.ts'
import type { Credential } from '../config/auth-file.ts'
import type { CredentialSource } from './endpoint.ts'
import { explained, credentialHint, responseError } from './request-errors.ts'
import type { Peer } from './request-errors.ts'
import { headerList, readBody, readRefusal, header } from './response-body.ts'
import { mergeScopes } from './scope.ts'
import type { Scope } from './scope.ts'
import { SharedCalls } from './shared-calls.ts'
import { parseToken, refreshForm, tokenRealm, tokenUrl } from './token-exchange.ts'
import type { Token, TokenQuery } from './token-exchange.ts'
import type { HttpRequest, Transport } from './transport.ts'

/** What a request needs to be allowed. */
export interface AccessRequest {
  /** Credentials may be configured for a part of a registry. */
  readonly repository?: string
  readonly scopes: readonly Scope[]
  /** Enough for this request where the service gives nobody all of `scopes`. */
  readonly leastScopes?: readonly Scope[]
}

export interface AuthenticatorOptions {
  readonly peer: Peer
  readonly credentials: CredentialSource
  readonly transport: Transport
  readonly verify: boolean
}

const MAX_TOKEN_ANSWER_BYTES = 1024 * 1024

export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #credentials: SharedCalls<Credential | undefined>
  readonly #tokens: SharedCalls<Token>
  readonly #refreshTokens = new Map<string, string>()
  /** What a registry wanted beyond our own scopes, by these. */
  readonly #extraScopes = new Map<string, readonly Scope[]>()
  #challenges: readonly Challenge[] = []

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    this.#credentials = new SharedCalls(options.transport.lifetime)
    this.#tokens = new SharedCalls(options.transport.lifetime, (token) => token.expiresAtMs > Date.now())
  }

  /** Whether the registry has asked for anything so far. */
  get isChallenged(): boolean {
    return this.#challenges.length > 0
  }

  /** Takes the challenges of an answer, where it has some. */
  learn(headers: RefusedAnswer['headers']): void {
    const challenges = parseChallenges(headerList(headers, 'www-authenticate'))
    if (challenges.length > 0) this.#challenges = challenges
  }

  forget(): void {
    this.#credentials.clear()
    this.#tokens.clear()
    this.#refreshTokens.clear()
  }

  /** The `authorization` of a request; `undefined` where the registry wants none that we have. */
  async authorization(access: AccessRequest, options: CallOptions): Promise<string | undefined> {
    const credential = this.isChallenged ? await this.#credential(access, options) : undefined
    for (const challenge of this.#challenges) {
      if (challenge.scheme === 'basic' && credential?.kind === 'basic') return basic(credential)
      if (challenge.scheme === 'bearer') {
        const token = await this.#token(challenge, credential, access, options)
        return `Bearer ${token.value}`
      }
    }
    return undefined
  }

  /** After a 401 to a request that carried `used`: another authorization, or `undefined` where there is none. */
  async renew(
    used: string | undefined,
    answer: Pick<RefusedAnswer, 'headers'>,
    access: AccessRequest,
    options: CallOptions,
  ): Promise<string | undefined> {
    this.learn(answer.headers)
    const bearer = this.#challenges.find(({ scheme }) => scheme === 'bearer')
    const asked = bearer?.parameters.get('scope')?.split(' ', 32) ?? []
    this.#extraScopes.set(access.scopes.join(' '), mergeScopes(asked))
    if (used?.startsWith('Bearer ') === true) this.#tokens.dropWhere((token) => `Bearer ${token.value}` === used)
    const { leastScopes: _, ...whole } = access
    const fresh = await this.authorization(whole, options)
    return fresh === used ? undefined : fresh
  }

  #credential({ repository }: AccessRequest, options: CallOptions): Promise<Credential | undefined> {
    const { credentials, peer } = this.#options
    const name = { registry: peer.registry, ...(repository !== undefined && { repository }) }
    return this.#credentials.get(repository ?? '', (own) => credentials.lookup(name, own), options)
  }

  #token(
    challenge: Challenge,
    credential: Credential | undefined,
    access: AccessRequest,
    options: CallOptions,
  ): Promise<Token> {
    const { peer, verify } = this.#options
    const realm = tokenRealm(challenge, { allowHttp: !verify })
    if (realm === undefined) throw badRealm(peer)
    const query = {
      realm,
      service: challenge.parameters.get('service'),
      scopes: mergeScopes(access.scopes, this.#extraScopes.get(access.scopes.join(' ')) ?? []),
    }
    const account = accountOf(credential)
    const key = [realm.href, query.service, account, ...query.scopes].join(' ')
    return this.#tokens.get(key, (own) => this.#fetch(query, credential, access, own), options)
  }

  async #fetch(
    query: TokenQuery,
    credential: Credential | undefined,
    { leastScopes }: AccessRequest,
    options: CallOptions,
  ): Promise<Token> {
    try {
      return await this.#fetchToken(query, credential, options)
    } catch (error) {
      const isRefused = isAirliftError(error) && isRefusal(error.details['status'])
      if (!isRefused || leastScopes === undefined) throw error
      return this.#fetchToken({ ...query, scopes: leastScopes }, credential, options)
    }
  }

  /** With a refresh token where there is one, which not every service takes. */
  async #fetchToken(query: TokenQuery, credential: Credential | undefined, options: CallOptions): Promise<Token> {
    const account = `${query.realm.href} ${query.service} ${accountOf(credential)}`
    const refreshToken =
      this.#refreshTokens.get(account) ?? (credential?.kind === 'identity-token' ? credential.token : undefined)
    if (refreshToken !== undefined) {
      try {
        return this.#keep(account, await this.#refresh(query, refreshToken, options))
      } catch (error) {
        if (!isAirliftError(error) || !isRefusal(error.details['status'])) throw error
        this.#refreshTokens.delete(account)
      }
    }
    const authorization = credential === undefined ? undefined : basic(credential)
    const request = {
      method: 'GET' as const,
      url: tokenUrl(query, credential?.kind === 'basic' ? credential.username : undefined),
      headers: { ...(authorization !== undefined && { authorization }) },
    }
    return this.#keep(account, await this.#ask(request, options))
  }

  #keep(account: string, token: Token): Token {
    if (token.refreshToken !== undefined) this.#refreshTokens.set(account, token.refreshToken)
    return token
  }

  #refresh(query: TokenQuery, refreshToken: string, options: CallOptions): Promise<Token> {
    const request = {
      method: 'POST' as const,
      url: query.realm,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(refreshForm(query, refreshToken)),
    }
    return this.#ask(request, options)
  }

  async #ask(request: Omit<HttpRequest, 'trust'>, options: CallOptions): Promise<Token> {
    const { peer, transport, verify } = this.#options
    const { host } = request.url
    const doing = `getting a token for ${peer.registry} from ${host}`
    try {
      const exchange = await transport.exchange({ ...request, trust: { registry: host, verify } }, options)
      if (exchange.status !== 200) throw responseError(peer, doing, await readRefusal(exchange))
      const body = await readBody(exchange, {
        maxBytes: MAX_TOKEN_ANSWER_BYTES,
        timeoutMs: transport.stallTimeoutMs,
        tooLarge: () => unusable(peer, doing),
      })
      const token = parseToken(body.toString('utf8'), { nowMs: Date.now(), date: header(exchange.headers, 'date') })
      if (token === undefined) throw unusable(peer, doing)
      return token
    } catch (error) {
      throw explained(peer, doing, error)
    }
  }
}

/** Codes that say no to these credentials or scopes, or to this way of asking. */
function isRefusal(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500 && status !== 408 && status !== 429
}

/** An identity token that a service takes by POST only goes by the name that the docker CLI gives it. */
function basic(credential: Credential): string {
  const [username, password] =
    credential.kind === 'basic' ? [credential.username, credential.password] : ['<token>', credential.token]
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function accountOf(credential: Credential | undefined): string {
  if (credential === undefined) return ''
  return credential.kind === 'basic' ? `user ${credential.username}` : 'token'
}

function badRealm(peer: Peer): AirliftError {
  return new AirliftError('REGISTRY_UNSUPPORTED', `${peer.side}: ${peer.registry} names no token service over https`, {
    hint: `if ${peer.registry} is meant to be used without TLS, make it insecure in registries.conf`,
    details: { side: peer.side, registry: peer.registry },
  })
}

function unusable(peer: Peer, doing: string): AirliftError {
  return new AirliftError('REGISTRY_UNSUPPORTED', `${peer.side}: ${doing}: the answer holds no token`, {
    hint: credentialHint(peer),
    details: { side: peer.side, registry: peer.registry },
  })
}

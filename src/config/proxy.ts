/**
 * Which proxy a request goes through, by `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or in lower case). Pure.
 *
 * Reads the variables as Go programs do: an entry of `NO_PROXY` is a host with its subdomains, a domain that starts with
 * a dot (subdomains only), an address, a CIDR range, each with an optional port, or `*`. Loopback is never proxied.
 *
 * Reference: https://pkg.go.dev/golang.org/x/net@v0.43.0/http/httpproxy
 */
import { BlockList, isIP, isIPv6 } from 'node:net'
import { AirliftError } from '../base/errors.ts'

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:'])

type Environment = Readonly<Record<string, string | undefined>>

interface Target {
  /** Lower case, IPv6 without brackets. */
  readonly host: string
  readonly port: string
}

/** @throws {AirliftError} `CONFIG_INVALID` where the variable that applies is no address, or of another kind of proxy. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const names = url.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy']
  const name = names.find((candidate) => (env[candidate] ?? '') !== '')
  if (name === undefined) return undefined
  const target = {
    host: url.hostname.toLowerCase().replace(/^\[(?<address>.*)\]$/, '$<address>'),
    port: url.port || (url.protocol === 'https:' ? '443' : '80'),
  }
  if (isLoopback(target.host) || isExempt(target, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined
  return parseProxy(name, env[name] ?? '')
}

function parseProxy(name: string, text: string): URL {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const proxy = URL.canParse(url) ? new URL(url) : undefined
  if (proxy !== undefined && proxy.hostname !== '' && SCHEMES.has(proxy.protocol)) return proxy
  throw new AirliftError('CONFIG_INVALID', `${name} is not the address of an HTTP proxy`, {
    hint: `set ${name} to something like http://proxy.example.com:3128`,
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function isExempt(target: Target, list: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || matchesRange(target.host, entry) || matchesHost(target, entry))
}

function matchesRange(host: string, entry: string): boolean {
  const [, base = '', bits] = /^(?<base>[0-9a-f.:]{2,45})\/(?<bits>\d{1,3})$/.exec(entry) ?? []
  if (isIP(base) === 0 || isIP(host) === 0 || Number(bits) > (isIPv6(base) ? 128 : 32)) return false
  const range = new BlockList()
  range.addSubnet(base, Number(bits), isIPv6(base) ? 'ipv6' : 'ipv4')
  return range.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

function matchesHost({ host, port }: Target, entry: string): boolean {
  const { name, port: wantedPort } = splitPort(entry)
  if (name === '' || (wantedPort !== '' && wantedPort !== port)) return false
  if (isIP(name) !== 0 || isIP(host) !== 0)
    return isIP(host) !== 0 && matchesRange(host, `${name}/${isIPv6(name) ? 128 : 32}`)
  const domain = name.startsWith('*.') ? name.slice(1) : name
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}

function splitPort(entry: string): { readonly name: string; readonly port: string } {
  const match = /^(?:\[(?<address>[^\]]*)\]|(?<name>[^:]*))(?::(?<port>[^:]*))?$/.exec(entry)
  if (match === null) return { name: entry, port: '' }
  return { name: match.groups?.['address'] ?? match.groups?.['name'] ?? '', port: match.groups?.['port'] ?? '' }
}

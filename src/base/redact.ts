/**
 * Takes secrets out of text that people or programs will read.
 *
 * Covers what a registry client can come across: user information and query
 * strings of URLs, and `Authorization` values. Linear in the length of the text.
 */
export function redact(text: string): string {
  return text
    .replace(/(?<scheme>\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"']{1,512}@/gi, '$<scheme>')
    .replace(/(?<url>\bhttps?:\/\/[^\s?"']{1,2048})\?[^\s"'>)]*/gi, '$<url>?…')
    .replace(/\b(?<scheme>Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{8,}/g, '$<scheme> …')
}

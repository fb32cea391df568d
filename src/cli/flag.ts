/**
 * What the command line says about one flag. The parser, `--help`, shell completion
 * and the tables of `docs/commands.md` are made from a list of these.
 */
type FlagType = 'boolean' | 'string' | 'file' | 'directory' | 'url' | 'integer' | 'duration'

/**
 * `same`: does what it does there. `better`: that and more. `new`: is not there. `later`: checked now, without effect
 * until archives exist. `none`: accepted, and changes nothing here. `refused`: ends the run with what to do instead,
 * since ignoring it would change the result.
 */
type FlagEffect = 'same' | 'better' | 'new' | 'later' | 'none' | 'refused'

export interface Flag {
  /** Without dashes. */
  readonly name: string
  readonly short?: string
  readonly type: FlagType
  /** Stands for the value in help. */
  readonly value?: string
  /** As written on a command line. */
  readonly initial?: string
  /** Where the default comes from when it is no constant. */
  readonly initialFrom?: string
  readonly choices?: readonly string[]
  /** May be given more than once; each time adds a value. */
  readonly repeatable?: true
  /** One line, for `--help`. */
  readonly help: string
  readonly hidden?: true
  /** Another spelling of this flag. */
  readonly sameAs?: string
  readonly effect: FlagEffect
  /** For `docs/commands.md`: in what it differs, and why. */
  readonly note?: string
}

/** The command lines of all programs: what they ask for, or one sentence about what is wrong with them. */
import { shortestSecret } from "./token.ts";

/** An option as `parseArgs` of Node.js describes it: one with a value, one that may be repeated, or a switch. */
export type Option = { type: "string"; multiple?: boolean } | { type: "boolean" };
export type Options = { [name: string]: Option };

type Value<O extends Option> = O extends { type: "boolean" }
  ? true
  : O extends { multiple: true }
    ? string[]
    : string;

export type CommandLine<O extends Options> = {
  values: { [Name in keyof O]?: Value<O[Name]> };
  /** What is not an option, nor the value of one. */
  words: string[];
};

/** What is wrong with a command line, in one sentence, from the error that reading it threw. */
export function commandLineMistake(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads a command line strictly: every word counts, and an option has one value. Throws an error whose message is a
 * sentence for the person who typed it, and quotes nothing as long as a secret. With `--help` anywhere it reads nothing
 * else. `mostWords` is how many words may stand there that are not options. In the `environment` npm leaves the options
 * that it kept for itself.
 */
export function parseCommandLine<const O extends Options>({
  args,
  options,
  mostWords = 0,
  environment = {},
}: {
  args: readonly string[];
  options: O;
  mostWords?: number;
  environment?: { readonly [name: string]: string | undefined };
}): CommandLine<O> {
  refuseKept(options, environment);
  const values: { [name: string]: string | string[] | true } = {};
  const words: string[] = [];
  // npm takes it away, and other package managers pass it on.
  const rest = args[0] === "--" ? args.slice(1) : [...args];
  if ("help" in options && rest.some((arg) => arg === "--help" || arg === "-h")) {
    values.help = true;
    return { values: values as CommandLine<O>["values"], words };
  }
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith("-") || arg === "-") {
      if (words.length >= mostWords) throw new Error(`${quoted(arg)} is not an option.${hint(arg, options)}`);
      words.push(arg);
      continue;
    }
    const [flag = "", given] = splitOnce(arg);
    const name = flag.slice(2);
    const option = flag.startsWith("--") && Object.hasOwn(options, name) ? options[name] : undefined;
    if (!option) throw new Error(`Unknown option ${shown(flag)}.${hint(flag, options)}`);
    if (Object.hasOwn(values, name) && !("multiple" in option && option.multiple)) {
      throw new Error(`--${name} is given twice.`);
    }
    if (option.type === "boolean") {
      if (given !== undefined) throw new Error(`--${name} takes no value.`);
      values[name] = true;
      continue;
    }
    // A negative number is a wrong value, and not the next option.
    const value = given ?? (/^-(?!\d)/.test(rest[0] ?? "") ? undefined : rest.shift());
    if (value === undefined) throw new Error(`--${name} needs a value, after a space or an equals sign.`);
    const before = values[name];
    values[name] = option.multiple ? [...(Array.isArray(before) ? before : []), value] : value;
  }
  return { values: values as CommandLine<O>["values"], words };
}

/**
 * Throws if npm has kept an option for itself. It does when `--` is missing, as in `npm start --httpPort 7000`, and all
 * that is left of the option is a variable of the environment.
 */
function refuseKept(options: Options, environment: { readonly [name: string]: string | undefined }): void {
  const script = environment.npm_lifecycle_event;
  if (script === undefined) return;
  const settings = Object.keys(environment).flatMap((name) => /^npm_config_(.+)$/.exec(name)?.[1] ?? []);
  const kept = Object.keys(options).find((name) => settings.some((set) => plain(set) === plain(name)));
  if (kept === undefined) return;
  const command = script === "start" ? "npm start" : `npm run ${script}`;
  throw new Error(`npm kept --${kept} for itself. Write two dashes before it: ${command} -- --${kept}`);
}

function splitOnce(arg: string): [flag: string, value?: string] {
  const equals = arg.indexOf("=");
  return equals < 0 ? [arg] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

/** The option that was perhaps meant. */
function hint(word: string, options: Options): string {
  const meant = nearest(plain(word), Object.keys(options));
  return meant === undefined ? "" : ` Did you mean --${meant}?`;
}

/** An option's name without what people vary: dashes, capitals, a value. */
function plain(text: string): string {
  return text.replace(/=.*$/s, "").replace(/[-_]/g, "").toLowerCase();
}

/** The one name that begins so, or the one with the fewest typing mistakes, if they are few for its length. */
function nearest(word: string, names: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined;
  const [longer, ...others] = word === "" ? [] : names.filter((name) => plain(name).startsWith(word));
  if (longer !== undefined && others.length === 0) return longer;
  const [best] = names
    .map((name) => ({ name, mistakes: mistakesBetween(word, plain(name)) }))
    .sort((a, b) => a.mistakes - b.mistakes);
  if (!best) return undefined;
  const most = best.name.length < 4 ? 0 : best.name.length < 8 ? 1 : Math.floor(best.name.length / 4);
  return best.mistakes <= most ? best.name : undefined;
}

/** Characters of a word that may be an option with a typing mistake. */
const longestWord = 64;

/** Characters left out, put in, replaced, or swapped with their neighbour (optimal string alignment). */
function mistakesBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const replaced = (last[j - 1] ?? 0) + (isSame ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? (beforeLast[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** A wrong value as it may be printed: one as long as a secret may be the secret, given for another option. */
export function quotedValue(value: string): string {
  return value.length >= shortestSecret ? `a text of ${value.length} characters` : JSON.stringify(value);
}

/** UTF-16 units of an option that is quoted: two more than the longest there is. */
const longestShown = 32;

/** An unknown option as it may be printed. A long one may be a secret in the wrong place. */
function shown(flag: string): string {
  return flag.length > longestShown ? `of ${flag.length} characters` : flag.replace(/\p{C}/gu, "?");
}

/** The same of a word. The shortest secret has 16 characters. */
function quoted(word: string): string {
  return word.length >= shortestSecret
    ? `A word of ${word.length} characters`
    : `"${word.replace(/\p{C}/gu, "?")}"`;
}
